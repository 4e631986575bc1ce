import os

from celery import Celery

app = Celery("tasks", broker=os.environ["SHOP_REDIS"], backend=os.environ["SHOP_REDIS"])
app.conf.broker_connection_retry_on_startup = True


@app.task
def add(a, b):
    return a + b
