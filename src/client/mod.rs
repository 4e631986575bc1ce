//! Talks to a running project over its control socket.
