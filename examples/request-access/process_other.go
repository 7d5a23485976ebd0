//go:build !unix

package main

import (
	"os"
	"syscall"
)

var passedOn []os.Signal

// isEnding reports whether a signal ends the command.
func isEnding(sig os.Signal) bool { return sig == syscall.SIGTERM }

// fromTerminal returns true: the console sends interrupts to the command too.
func fromTerminal(os.Signal) bool { return true }

func terminate(p *os.Process) error { return p.Kill() }

// exitCode returns 1 for a command without an exit code.
func exitCode(state *os.ProcessState) int {
	if code := state.ExitCode(); code >= 0 {
		return code
	}
	return 1
}
