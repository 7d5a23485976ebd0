//go:build !unix

package main

import (
	"os"
	"syscall"
)

var passedOn []os.Signal

// isEnding reports whether a signal ends the command as well. An interrupt comes
// from the console, which sends it to the command too.
func isEnding(sig os.Signal) bool { return sig == syscall.SIGTERM }

func fromTerminal(os.Signal) bool { return true }

func terminate(p *os.Process) error { return p.Kill() }

// exitCode is the exit code, 1 where there is none.
func exitCode(state *os.ProcessState) int {
	if code := state.ExitCode(); code >= 0 {
		return code
	}
	return 1
}
