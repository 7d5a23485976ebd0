package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/apono-go/apono/examples/internal/program"
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

// sameInterrupt is the time within which two interrupts count as one. Programs such as
// timeout(1) send each signal twice.
const sameInterrupt = 200 * time.Millisecond

// handleSignals returns a context that is canceled by a signal. While a command runs,
// signals are passed on to it instead. A second interrupt ends the program.
func (r *requester) handleSignals(main context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(main))
	r.signals = make(chan os.Signal, 16)
	endings := program.Endings()
	signal.Notify(r.signals, endings...)
	go func() {
		var first time.Time
		for sig := range r.signals {
			switch {
			case r.passOn(sig):
				first = time.Time{}
			case !slices.Contains(endings, sig): // the command has just ended
			case !first.IsZero():
				if sig == os.Interrupt && time.Since(first) > sameInterrupt {
					r.endAtOnce()
				}
			default:
				<-main.Done() // sets the exit code
				first = time.Now()
				if r.mayRemain() != "" {
					r.once("Revoking. Press Ctrl-C again to exit at once.")
				}
				cancel()
			}
		}
	}()
	return ctx, func() {
		signal.Stop(r.signals)
		close(r.signals)
		cancel()
	}
}

// endAtOnce exits without waiting for revocations.
func (r *requester) endAtOnce() {
	r.Progress()("")
	text := "interrupted"
	if left := r.mayRemain(); left != "" {
		text += "; " + left
	}
	fmt.Fprintf(r.Stderr, "%s: %s\n", r.Flags.Name(), text)
	os.Exit(130)
}

// mayRemain describes what may remain if the program exits now. It is empty if nothing
// does.
func (r *requester) mayRemain() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case len(r.ids) > 0:
		return "revoke in the Apono portal what may remain: " + strings.Join(r.ids, ", ")
	case r.sent:
		return "a request may have been created: look for it in the Apono portal"
	}
	return ""
}
