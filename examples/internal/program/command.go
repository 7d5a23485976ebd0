package program

import (
	"fmt"
	"slices"
)

// ExitCode ends a program with the exit code of a command that it ran.
type ExitCode int

// Error implements error. [Main] prints nothing for an ExitCode.
func (c ExitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// Command cuts the command after "--" off the command line, for programs that run
// one. It is nil if there is no "--", and must be called before Parse.
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
