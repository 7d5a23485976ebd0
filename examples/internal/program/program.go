// Package program is shared by the example programs. It parses flags, prints usage, sets
// exit codes, reports errors, shows progress, and starts a fake server with -demo.
package program

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
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
// questions to Stderr. Both work as [Program.WriteErr] describes.
type Program struct {
	Flags          *flag.FlagSet // parsed by [Program.Parse]
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// What -h prints, to be set before [Program.Parse]: command lines, and the meaning
	// of exit codes that not every program has.
	Examples  []string
	ExitCodes map[int]string

	// Local programs do not call Apono. They have no -demo and read no variables.
	Local bool
	// DemoWithoutToken starts the fake server also if no variable is set, for a program
	// that only reads.
	DemoWithoutToken bool

	args     []string
	synopsis []string // of what may stand besides flags and arguments
	demo     bool
	screen   *screen // nil in tests
}

// ErrDifferent ends a program with exit code 3: it found and reported a
// difference, and changed nothing.
var ErrDifferent = errors.New("different")

// Main runs a program and exits the process with one of the exit codes. An
// interrupt or SIGTERM cancels the context of run.
func Main(name string, run func(context.Context, *Program) error) {
	catchPipes()
	ctx, stop := signal.NotifyContext(context.Background(), Endings()...)
	s := newScreen()
	stdout, stderr := newStream(os.Stdout, s), newStream(os.Stderr, s)
	p := &Program{
		Flags: flag.NewFlagSet(name, flag.ContinueOnError),
		Stdin: os.Stdin, Stdout: stdout, Stderr: stderr, args: os.Args[1:], screen: s,
	}
	p.Flags.SetOutput(io.Discard) // Parse reports errors
	err := run(ctx, p)
	p.EndProgress()
	interrupted := ctx.Err() != nil && errors.Is(err, context.Canceled)
	stop()
	if !interrupted {
		err = outcome(err, stdout.end(), stderr.end())
	}
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
		fmt.Fprintf(p.Stderr, "%s: interrupted\n", name)
		os.Exit(130)
	case err != nil:
		fmt.Fprintf(p.Stderr, "%s: %s\n", name, explain(err))
		os.Exit(1)
	}
}

// errUsage reports a mistake on the command line that is already printed.
var errUsage = errors.New("wrong usage")

// Parse parses the command line. The description about is printed by -h. The
// arguments are the names of the positional arguments, such as "FILE". Flags
// may come before, between and after them, up to a "--".
func (p *Program) Parse(about string, arguments ...string) error {
	if !p.Local {
		p.Flags.BoolVar(&p.demo, "demo", false, "use a fake server with demo data instead of Apono")
	}
	p.Flags.Usage = func() {}
	var given []string
	for rest := p.args; ; rest = p.Flags.Args()[1:] {
		switch err := p.Flags.Parse(rest); {
		case errors.Is(err, flag.ErrHelp):
			p.printUsage(about, arguments)
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

const variables = `
Environment:
  APONO_TOKEN           API token, created in the Apono portal
  APONO_PERSONAL_TOKEN  API token if APONO_TOKEN is not set
  APONO_TOKEN_FILE      file with the API token if neither is set
  APONO_ENDPOINT        base URL of the API; the default is that of Apono
`

// printUsage prints the output of -h.
func (p *Program) printUsage(about string, arguments []string) {
	var flags strings.Builder
	p.Flags.SetOutput(&flags)
	p.Flags.PrintDefaults()
	fmt.Fprintf(p.Stdout, "%s\n\nUsage: %s\n%s", about,
		strings.Join(slices.Concat([]string{p.Flags.Name(), "[flags]"}, arguments, p.synopsis), " "), wrap(flags.String()))
	if !p.Local {
		fmt.Fprint(p.Stdout, variables)
	}
	fmt.Fprintln(p.Stdout, "\nExamples:")
	for _, example := range p.Examples {
		fmt.Fprintf(p.Stdout, "  %s\n", example)
	}
	codes := map[int]string{0: "done", 1: "failed", 2: "wrong usage", 130: "interrupted", 141: "nobody reads the output"}
	maps.Copy(codes, p.ExitCodes)
	fmt.Fprintln(p.Stdout, "\nExit codes:")
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		fmt.Fprintf(p.Stdout, "  %-3d  %s\n", code, codes[code])
	}
}

// Misuse prints a mistake on the command line and returns an error that ends the
// program with exit code 2.
func (p *Program) Misuse(format string, args ...any) error {
	fmt.Fprintf(p.Stderr, "%s: %s; see -h\n", p.Flags.Name(), fmt.Sprintf(format, args...))
	return errUsage
}

// Connect returns a client for Apono. With -demo, it starts a fake server with the demo
// tenant and the options fake, and returns a client for that. Without -demo and without
// a token, or with both, it ends the program with exit code 2. The caller must call
// disconnect when done.
func (p *Program) Connect(fake []aponotest.Option, opts ...apono.Option) (client *apono.Client, disconnect func(), err error) {
	token := firstSet("APONO_TOKEN", "APONO_PERSONAL_TOKEN", "APONO_TOKEN_FILE")
	if p.screen != nil {
		opts = append([]apono.Option{apono.WithMiddleware(p.screen.watch), apono.WithLogger(slog.New(retries{p.screen}))}, opts...)
	}
	switch {
	case p.demo && token != "":
		return nil, nil, p.Misuse("-demo cannot be used with %s: unset it, or leave out -demo", token)
	case p.demo:
		fmt.Fprintln(p.Stderr, "Using a fake server with demo data.")
	case token != "":
		client, err = apono.NewClientFromEnv(opts...)
		return client, func() {}, err
	case p.DemoWithoutToken && firstSet("APONO_ENDPOINT") == "":
		fmt.Fprintln(p.Stderr, "No token is set: using a fake server with demo data.")
	default:
		return nil, nil, p.Misuse("no token: set APONO_TOKEN, or use -demo for demo data")
	}
	server, err := aponotest.Start(append([]aponotest.Option{aponotest.WithDemoTenant()}, fake...)...)
	if err != nil {
		return nil, nil, err
	}
	return server.Client(opts...), server.Close, nil
}

// firstSet returns the name of the first variable that is set and not empty.
func firstSet(names ...string) string {
	for _, name := range names {
		if os.Getenv(name) != "" {
			return name
		}
	}
	return ""
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
		if p.screen != nil && p.CanAsk() {
			p.screen.mu.Lock()
			p.screen.midLine = false // the reply ended the line
			p.screen.mu.Unlock()
		}
		return reply == "y" || reply == "yes", nil
	}
}

// CanAsk reports whether Stdin is a terminal.
func (p *Program) CanAsk() bool { return isTerminal(p.Stdin) }

func isTerminal(s any) bool {
	file, ok := s.(*os.File)
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
