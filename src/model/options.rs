//! The table of all config options: help, docs, the JSON schema and the checker of unknown keys are read from it.
