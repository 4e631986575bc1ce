# Stands for a worker that looks into a queue.
. ./loop.sh

deliver() {
	count=$((count + 1))
	echo "sent order confirmation to customer-$count@example.com"
}

echo "waiting for mail to send"
count=0
every 5 deliver
