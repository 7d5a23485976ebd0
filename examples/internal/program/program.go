// Package program is what the example programs have in common: flags, exit
// codes, errors for people, and a server when there is no token.
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

// Program is one run of a program.
type Program struct {
	// Flags are the program's flags, to be parsed with Parse.
	Flags *flag.FlagSet
	// Stdin, Stdout and Stderr are the process's own. What is fit for a pipe goes
	// to Stdout, everything else to Stderr.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	args     []string
	synopsis []string // of what may stand besides flags and arguments
}

const exitCodes = `
Exit codes: 0 done, or the same; 1 failed; 2 wrong use; 3 different;
130 interrupted.
`

// ErrDifferent ends a program that has found and said that two things differ,
// and has not changed that.
var ErrDifferent = errors.New("different")

// Main runs a program until it ends, is interrupted or told to end, and ends the
// process with one of the exit codes.
func Main(name string, run func(context.Context, *Program) error) {
	ctx, stop := signal.NotifyContext(context.Background(), Endings()...)
	p := &Program{
		Flags: flag.NewFlagSet(name, flag.ContinueOnError),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, args: os.Args[1:],
	}
	p.Flags.SetOutput(io.Discard) // Parse says what is wrong
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

// errUsage is a mistake on the command line that has been reported.
var errUsage = errors.New("wrong usage")

// Parse parses the command line; about says in -h what the program does. A
// program with arguments besides its flags names them, such as "FILE". Flags may
// stand before, between and after the arguments, up to a "--".
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
	_ = p.Flags.Parse(append([]string{"--"}, given...)) // so that Arg finds them
	if len(given) != len(arguments) {
		return p.Misuse("it takes %s besides flags, not %d", Plural(len(arguments), "argument"), len(given))
	}
	return nil
}

// Misuse reports a mistake on the command line.
func (p *Program) Misuse(format string, args ...any) error {
	fmt.Fprintf(p.Stderr, "%s: %s; see -h\n", p.Flags.Name(), fmt.Sprintf(format, args...))
	return errUsage
}

// Connect returns a client of Apono, or of a fake server with a made-up company
// where there is no token. The caller calls disconnect at the end.
func (p *Program) Connect(fake []aponotest.Option, opts ...apono.Option) (client *apono.Client, disconnect func(), err error) {
	if os.Getenv("APONO_TOKEN") != "" || os.Getenv("APONO_PERSONAL_TOKEN") != "" {
		client, err = apono.NewClientFromEnv(opts...)
		return client, func() {}, err
	}
	server, err := aponotest.Start(append([]aponotest.Option{aponotest.WithDemoTenant()}, fake...)...)
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintln(p.Stderr, "No APONO_TOKEN or APONO_PERSONAL_TOKEN is set: this is the demo tenant of an embedded fake server.")
	return server.Client(opts...), server.Close, nil
}

// Confirm asks a question that only "y" or "yes" answers with yes. An interrupt
// ends the wait for an answer.
func (p *Program) Confirm(ctx context.Context, question string) (bool, error) {
	fmt.Fprintf(p.Stderr, "%s [y/N] ", question)
	answers := make(chan string, 1)
	go func() { // reading cannot be interrupted; the process ends without it
		answer, _ := bufio.NewReader(io.LimitReader(p.Stdin, 1<<10)).ReadString('\n')
		answers <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(p.Stderr)
		return false, ctx.Err()
	case answer := <-answers:
		return answer == "y" || answer == "yes", nil
	}
}

// Progress returns a function that shows a line of progress in place of the
// last one, at most ten times a second; an empty line removes it. Where Stderr
// is no terminal it shows nothing.
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

// CanAsk reports whether there is a terminal to ask on.
func (p *Program) CanAsk() bool { return isTerminal(p.Stdin) }

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) //nolint:gosec // a descriptor is small
}

// Plural counts things: "1 page", "2 pages".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Trim returns text without what files of other systems leave around it: blanks,
// ends of lines, byte order marks.
func Trim(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) })
}

// List separates the values of a flag.
func List[T ~string](values string) []T {
	var list []T
	for value := range strings.SplitSeq(values, ",") {
		if value = Trim(value); value != "" {
			list = append(list, T(value))
		}
	}
	return list
}

// Since is the time since a moment, rounded for people.
func Since(started time.Time) time.Duration { return time.Since(started).Round(time.Millisecond) }

// explain says in one line what to do about an error.
func explain(err error) string {
	switch {
	case errors.Is(err, apono.ErrUnauthorized):
		return "Apono rejected the token: check APONO_TOKEN or APONO_PERSONAL_TOKEN, or create a new token in the Apono portal"
	case errors.Is(err, apono.ErrForbidden):
		return "this token may not do that: " + err.Error()
	}
	return err.Error()
}
