# Read in by the other scripts with `. ./loop.sh`.
#
# A shell hears a signal only when the command in front of it has ended. So pauses are children in the background that the
# shell waits for, and the scripts stop at once when they are asked to.
pause=
trap 'kill "$pause" 2>/dev/null; echo "bye"; exit 0' TERM INT

# rest SECONDS
rest() {
	sleep "$1" &
	pause=$!
	wait "$pause"
}

# every SECONDS COMMAND: runs the command again and again.
every() {
	while rest "$1"; do
		"$2"
	done
}
