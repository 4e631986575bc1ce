//! Answers on the control socket.
