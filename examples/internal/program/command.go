package program

import (
	"fmt"
	"slices"
)

// ExitCode ends a program with the exit code of a command that it ran.
type ExitCode int

// Error implements error. [Main] prints nothing for an ExitCode.
func (c ExitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// Command removes the command after "--" from the command line and returns it, nil if
// there is no "--". Call it before [Program.Parse].
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
