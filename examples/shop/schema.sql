SET client_min_messages = warning;

CREATE TABLE IF NOT EXISTS orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item text NOT NULL,
    ordered timestamptz NOT NULL DEFAULT now()
);
