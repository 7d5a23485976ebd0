package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
)

// command is a running command.
type command struct {
	process *os.Process
	// end sends the signal in the cause to the command, and kills it after the grace
	// period.
	end context.CancelCauseFunc
}

// signalled is the cause of an end by a signal.
type signalled struct{ os.Signal }

// Error implements error.
func (s signalled) Error() string { return s.String() }

// run runs a command and returns its exit code. It ends the command when ctx ends.
func (r *requester) run(ctx context.Context, u use, environment []string) (code int, err error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	cmd := exec.CommandContext(ctx, u.command[0], u.command[1:]...) //nolint:gosec // given by the user
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environment, os.Stdin, os.Stdout, os.Stderr
	r.EndProgress()
	cmd.WaitDelay = u.grace
	cmd.Cancel = func() error {
		cause, received := context.Cause(ctx), signalled{}
		switch {
		case errors.As(cause, &received):
			return cmd.Process.Signal(received.Signal)
		case ended(ctx):
			fmt.Fprintln(r.Stderr, "The access has ended; ending the command.")
		default:
			fmt.Fprintln(r.Stderr, "The time has passed; ending the command.")
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
	if len(passedOn) > 0 { // without arguments, Reset resets all
		signal.Reset(passedOn...)
	}
	if cmd.ProcessState == nil {
		return 0, err
	}
	return exitCode(cmd.ProcessState), nil
}

// start starts the command. From then on, signals are passed on to it.
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

// passOn passes a signal on to the command, and reports whether one is running. After
// SIGTERM or SIGHUP, the command is killed after the grace period.
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
