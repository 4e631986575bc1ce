# Stands for a server. It ends when its stdin does, which is when the project ends.
echo "serving"
cat >/dev/null
