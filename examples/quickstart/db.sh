# Stands for a database server: takes its time to come up, then writes a checkpoint now and then.
. ./loop.sh

checkpoint() {
	count=$((count + 1))
	echo "checkpoint complete: wrote $((count * 7 % 23 + 1)) buffers"
}

# The data of the last run goes, so that every start shows the same story.
rm -rf .data
mkdir .data

echo "database system is starting up"
rest 1
echo "redo starts at 0/15D5F40"
rest 1
echo "database system is ready to accept connections"
count=0
every 7 checkpoint
