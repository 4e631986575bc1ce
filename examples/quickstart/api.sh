# Stands for a server that tells by a file that it is up.
. ./loop.sh

request() {
	count=$((count + 1))
	case $((count % 3)) in
	0) echo "POST /orders 201 $((count % 9 + 11))ms" ;;
	1) echo "GET /products 200 $((count % 7 + 3))ms" ;;
	2) echo "GET /cart 200 $((count % 5 + 2))ms" ;;
	esac
}

echo "compiling routes"
rest 1
echo "serving 14 routes"
touch .data/api.ready
count=0
every 3 request
