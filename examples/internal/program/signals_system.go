//go:build !js && !wasip1

package program

import (
	"os"
	"syscall"
)

var (
	hangups = []os.Signal{syscall.SIGHUP}
	pipes   = []os.Signal{syscall.SIGPIPE}
)
