//go:build unix

package main

import (
	"os"
	"slices"
	"syscall"
)

// passedOn are signals for the command in addition to [program.Endings].
var passedOn = []os.Signal{syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2}

func isEnding(sig os.Signal) bool { return sig == syscall.SIGTERM || sig == syscall.SIGHUP }

// fromTerminal reports whether the terminal sent a signal. The terminal sends it to the
// command too.
func fromTerminal(sig os.Signal) bool {
	if !slices.Contains([]os.Signal{os.Interrupt, syscall.SIGQUIT}, sig) {
		return false
	}
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	_ = terminal.Close()
	return true
}

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

// exitCode returns the exit code of a command. For a command that a signal ended, it is
// 128 plus the number of the signal, as in a shell.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
