// Package program is shared by the example programs. It parses flags, sets exit
// codes, reports errors and starts a fake server when no token is set.
package program

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"golang.org/x/term"
)

// Program is one run of a program. Results are written to Stdout, messages and
// questions to Stderr.
type Program struct {
	Flags          *flag.FlagSet // parsed by [Program.Parse]
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	args     []string
	synopsis []string // of what may stand besides flags and arguments
}

const exitCodes = `
Exit codes: 0 done, or the same; 1 failed; 2 wrong use; 3 different;
130 interrupted.
`

// ErrDifferent ends a program with exit code 3: it found and reported a
// difference, and changed nothing.
var ErrDifferent = errors.New("different")

// Main runs a program and exits the process with one of the exit codes. An
// interrupt or SIGTERM cancels the context of run.
func Main(name string, run func(context.Context, *Program) error) {
	ctx, stop := signal.NotifyContext(context.Background(), Endings()...)
	p := &Program{
		Flags: flag.NewFlagSet(name, flag.ContinueOnError),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, args: os.Args[1:],
	}
	p.Flags.SetOutput(io.Discard) // Parse reports errors
	err := run(ctx, p)
	interrupted := ctx.Err() != nil && errors.Is(err, context.Canceled)
	stop()
	var code ExitCode
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.As(err, &code):
		os.Exit(int(code))
	case errors.Is(err, errUsage):
		os.Exit(2)
	case errors.Is(err, ErrDifferent):
		os.Exit(3)
	case interrupted:
		fmt.Fprintf(os.Stderr, "%s: interrupted\n", name)
		os.Exit(130)
	case err != nil:
		fmt.Fprintf(os.Stderr, "%s: %s\n", name, explain(err))
		os.Exit(1)
	}
}

// errUsage reports a mistake on the command line that is already printed.
var errUsage = errors.New("wrong usage")

// Parse parses the command line. The description about is printed by -h. The
// arguments are the names of the positional arguments, such as "FILE". Flags
// may come before, between and after them, up to a "--".
func (p *Program) Parse(about string, arguments ...string) error {
	p.Flags.Usage = func() {}
	var given []string
	for rest := p.args; ; rest = p.Flags.Args()[1:] {
		switch err := p.Flags.Parse(rest); {
		case errors.Is(err, flag.ErrHelp):
			var flags strings.Builder
			p.Flags.SetOutput(&flags)
			fmt.Fprintf(p.Stdout, "%s\n\nUsage: %s\n", about, strings.Join(slices.Concat([]string{p.Flags.Name(), "[flags]"}, arguments, p.synopsis), " "))
			p.Flags.PrintDefaults()
			fmt.Fprint(p.Stdout, wrap(flags.String()), exitCodes)
			return err
		case err != nil:
			return p.Misuse("%v", err)
		}
		if end := len(rest) - p.Flags.NArg(); p.Flags.NArg() == 0 || end > 0 && rest[end-1] == "--" {
			given = append(given, p.Flags.Args()...)
			break
		}
		given = append(given, p.Flags.Arg(0))
	}
	_ = p.Flags.Parse(append([]string{"--"}, given...)) // for Flags.Arg
	if len(given) != len(arguments) {
		return p.Misuse("expected %s, got %d", Plural(len(arguments), "argument"), len(given))
	}
	return nil
}

// Misuse prints a mistake on the command line and returns an error that ends the
// program with exit code 2.
func (p *Program) Misuse(format string, args ...any) error {
	fmt.Fprintf(p.Stderr, "%s: %s; see -h\n", p.Flags.Name(), fmt.Sprintf(format, args...))
	return errUsage
}

// Connect returns a client for Apono. If no token is set, it starts a fake
// server with the demo tenant and the options fake, and returns a client for
// that. The caller must call disconnect when done.
func (p *Program) Connect(fake []aponotest.Option, opts ...apono.Option) (client *apono.Client, disconnect func(), err error) {
	if os.Getenv("APONO_TOKEN") != "" || os.Getenv("APONO_PERSONAL_TOKEN") != "" {
		client, err = apono.NewClientFromEnv(opts...)
		return client, func() {}, err
	}
	server, err := aponotest.Start(append([]aponotest.Option{aponotest.WithDemoTenant()}, fake...)...)
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintln(p.Stderr, "No APONO_TOKEN or APONO_PERSONAL_TOKEN: using a fake server with demo data.")
	return server.Client(opts...), server.Close, nil
}

// Confirm asks a question and reports whether the reply is "y" or "yes". It
// returns early if ctx is canceled.
func (p *Program) Confirm(ctx context.Context, question string) (bool, error) {
	fmt.Fprintf(p.Stderr, "%s [y/N] ", question)
	replies := make(chan string, 1)
	go func() { // a read cannot be canceled; it ends with the process
		reply, _ := bufio.NewReader(io.LimitReader(p.Stdin, 1<<10)).ReadString('\n')
		replies <- strings.ToLower(strings.TrimSpace(reply))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(p.Stderr)
		return false, ctx.Err()
	case reply := <-replies:
		return reply == "y" || reply == "yes", nil
	}
}

// Progress returns a function that replaces the current line of progress on
// Stderr, at most ten times a second. An empty format clears the line. If Stderr
// is not a terminal, the function does nothing.
func (p *Program) Progress() func(format string, args ...any) {
	if !isTerminal(p.Stderr) {
		return func(string, ...any) {}
	}
	var shown time.Time
	return func(format string, args ...any) {
		if format != "" && time.Since(shown) < 100*time.Millisecond {
			return
		}
		shown = time.Now()
		fmt.Fprintf(p.Stderr, "\r\x1b[K"+format, args...)
	}
}

// CanAsk reports whether Stdin is a terminal.
func (p *Program) CanAsk() bool { return isTerminal(p.Stdin) }

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) //nolint:gosec // a file descriptor fits in an int
}

// Plural formats a count with its noun: "1 page", "2 pages".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Trim removes white space, control characters and byte order marks from both
// ends of text.
func Trim(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) })
}

// List splits a flag value at its commas and drops empty elements.
func List[T ~string](values string) []T {
	var list []T
	for value := range strings.SplitSeq(values, ",") {
		if value = Trim(value); value != "" {
			list = append(list, T(value))
		}
	}
	return list
}

// Since returns the time since started, rounded to milliseconds.
func Since(started time.Time) time.Duration { return time.Since(started).Round(time.Millisecond) }

// explain returns a one-line text for an error, with advice where there is any.
func explain(err error) string {
	switch {
	case errors.Is(err, apono.ErrUnauthorized):
		return "Apono rejected the token: check APONO_TOKEN or APONO_PERSONAL_TOKEN, or create a new token in the Apono portal"
	case errors.Is(err, apono.ErrForbidden):
		return "the token has no permission for this: " + err.Error()
	}
	return err.Error()
}
