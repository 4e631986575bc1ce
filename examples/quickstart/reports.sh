# Stands for a worker with a bad start: its first two runs of every `run up` fail.
. ./loop.sh

report() {
	count=$((count + 1))
	echo "report $count: $((count * 3)) orders so far"
}

runs=$(cat .data/reports.runs 2>/dev/null || echo 0)
echo $((runs + 1)) >.data/reports.runs

echo "connecting to queue"
rest 1
if [ "$runs" -lt 2 ]; then
	echo "error: queue refused: still replaying its journal" >&2
	exit 1
fi
echo "connected"
count=0
every 6 report
