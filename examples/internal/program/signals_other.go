//go:build js || wasip1

package program

import "os"

var hangups, pipes []os.Signal
