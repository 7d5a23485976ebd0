package program

import (
	"fmt"
	"slices"
)

// ExitCode is an error with which [Main] exits with a code and prints nothing.
type ExitCode int

// Error implements error.
func (c ExitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// Command returns the part of the command line after "--", or nil if there is no "--".
// It must be called before [Program.Parse].
func (p *Program) Command() []string {
	p.synopsis = append(p.synopsis, "[-- COMMAND ARG...]")
	at := slices.Index(p.args, "--")
	if at < 0 {
		return nil
	}
	command := p.args[at+1:]
	p.args = p.args[:at]
	return command
}
