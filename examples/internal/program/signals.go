package program

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// Endings returns the signals that end a program: SIGINT, SIGTERM, and SIGHUP unless it
// is ignored, as with nohup.
func Endings() []os.Signal {
	return append([]os.Signal{os.Interrupt, syscall.SIGTERM}, slices.DeleteFunc(slices.Clone(hangups), signal.Ignored)...)
}
