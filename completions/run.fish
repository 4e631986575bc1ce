complete --keep-order --exclusive --command run --arguments "(RUN_COMPLETE=fish run -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
