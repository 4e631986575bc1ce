# Serves two methods of the namespace `counter`, in nothing but POSIX sh.
#
# A request is one line, its members always in this order: {"jsonrpc":"2.0","id":1,"method":"add","params":[2]}
# So a shell can cut it. What goes to stderr stands in the log of the project.

methods='{"methods":[
	{"name":"add","params":[{"name":"by","type":"int","optional":true}],"returns":"int","help":"Counts on by a number, by default 1."},
	{"name":"value","params":[],"returns":"int","help":"Tells how far it has counted."}]}'

answer() {
	printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"
}

refuse() {
	printf '{"jsonrpc":"2.0","id":%s,"error":{"code":%s,"message":"%s"}}\n' "$id" "$1" "$2"
}

count=0
while IFS= read -r line; do
	id=${line#*'"id":'}
	id=${id%%,*}
	method=${line#*'"method":"'}
	method=${method%%'"'*}
	params=${line#*'"params":['}
	params=${params%']}'}
	case $method in
	rpc.describe)
		answer "$(printf %s "$methods" | tr -d '\n\t')"
		;;
	add)
		count=$((count + ${params:-1}))
		echo "counted to $count" >&2
		answer "$count"
		;;
	value)
		answer "$count"
		;;
	*)
		refuse -32601 "there is no $method"
		;;
	esac
done
