package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
)

// command is the command while it runs.
type command struct {
	process *os.Process
	// end ends the command: by the signal in the cause, and after the grace
	// period by killing it.
	end context.CancelCauseFunc
}

// signalled is a signal that the program has received.
type signalled struct{ os.Signal }

// Error implements error.
func (s signalled) Error() string { return s.String() }

// run runs the command until it ends or ctx does, and returns its exit code.
func (r *requester) run(ctx context.Context, u use, environment []string) (code int, err error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	cmd := exec.CommandContext(ctx, u.command[0], u.command[1:]...) //nolint:gosec // what the person wants to run
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environment, r.Stdin, r.Stdout, r.Stderr
	cmd.WaitDelay = u.grace
	cmd.Cancel = func() error {
		cause, received := context.Cause(ctx), signalled{}
		switch {
		case errors.As(cause, &received):
			return cmd.Process.Signal(received.Signal)
		case ended(ctx):
			fmt.Fprintln(r.Stderr, "The access has ended; ending the command.")
		default:
			fmt.Fprintln(r.Stderr, "The time is over; ending the command.")
		}
		return terminate(cmd.Process)
	}
	if err := r.start(ctx, cmd, end); err != nil {
		return 0, err
	}
	err = cmd.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.command = nil
	if len(passedOn) > 0 { // none would be all
		signal.Reset(passedOn...)
	}
	if cmd.ProcessState == nil {
		return 0, err
	}
	return exitCode(cmd.ProcessState), nil
}

// start starts the command. Signals are the command's from then on.
func (r *requester) start(ctx context.Context, cmd *exec.Cmd, end context.CancelCauseFunc) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(passedOn) > 0 {
		signal.Notify(r.signals, passedOn...)
	}
	err := cmd.Start()
	if err == nil {
		r.command = &command{cmd.Process, end}
	}
	return err
}

// passOn passes a signal on to the command and reports whether one runs. The command
// is killed if it has not ended some time after a termination or a hangup.
func (r *requester) passOn(sig os.Signal) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.command == nil:
		return false
	case isEnding(sig):
		r.command.end(signalled{sig})
	case !fromTerminal(sig):
		_ = r.command.process.Signal(sig) // it may have ended
	}
	return true
}
