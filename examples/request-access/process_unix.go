//go:build unix

package main

import (
	"os"
	"slices"
	"syscall"
)

// passedOn are the signals besides those that end programs which the command gets.
var passedOn = []os.Signal{syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2}

func isEnding(sig os.Signal) bool { return sig == syscall.SIGTERM || sig == syscall.SIGHUP }

// fromTerminal reports whether a signal comes from a key: the terminal sends it to
// the command too.
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

// exitCode is the exit code, or that of a shell for a command that a signal ended.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
