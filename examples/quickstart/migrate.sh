# Stands for a migration: runs to its end, and the programs that need it start after that.
. ./loop.sh

echo "applied create_customers"
rest 1
echo "applied create_orders"
echo "applied add_index_on_orders"
echo "applied 3 migrations"
