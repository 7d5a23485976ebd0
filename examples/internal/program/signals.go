package program

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// Endings returns the signals that end a program: an interrupt, a termination, and
// a hangup unless the program was started with hangups ignored, as nohup does.
func Endings() []os.Signal {
	return append([]os.Signal{os.Interrupt, syscall.SIGTERM}, slices.DeleteFunc(slices.Clone(hangups), signal.Ignored)...)
}
