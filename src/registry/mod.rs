//! Where a running project keeps its lock, socket, state and ports.
