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

// catchPipes keeps SIGPIPE from ending the process when it writes to a pipe that nobody
// reads, so that the write returns an error. Unlike with signal.Ignore, commands that
// the process starts do not ignore the signal.
func catchPipes() {
	if caught := slices.DeleteFunc(slices.Clone(pipes), signal.Ignored); len(caught) > 0 {
		signal.Notify(make(chan os.Signal, 1), caught...)
	}
}
