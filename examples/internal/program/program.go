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
	"strings"
	"syscall"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
)

// Program is one run of a program.
type Program struct {
	// Flags are the program's flags, to be parsed with Parse.
	Flags *flag.FlagSet
	// Stdin, Stdout and Stderr are the process's own. What is fit for a pipe goes
	// to Stdout, everything else to Stderr.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	args []string
}

// Main runs a program until it ends, is interrupted or told to end, and ends the
// process: with 0 if all went well, 1 on an error, 2 on wrong usage.
func Main(name string, run func(context.Context, *Program) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := &Program{
		Flags: flag.NewFlagSet(name, flag.ContinueOnError),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, args: os.Args[1:],
	}
	p.Flags.SetOutput(os.Stderr)
	err := run(ctx, p)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
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
	p.Flags.Usage = func() {
		fmt.Fprintf(p.Stderr, "%s\n\nUsage: %s\n", about, strings.Join(append([]string{p.Flags.Name(), "[flags]"}, arguments...), " "))
		p.Flags.PrintDefaults()
	}
	var given []string
	for rest := p.args; ; rest = p.Flags.Args()[1:] {
		switch err := p.Flags.Parse(rest); {
		case errors.Is(err, flag.ErrHelp):
			return err
		case err != nil:
			return errUsage
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
		answer, _ := bufio.NewReader(p.Stdin).ReadString('\n')
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
// last one; an empty line removes it. Where Stderr is no terminal it shows
// nothing.
func (p *Program) Progress() func(format string, args ...any) {
	if !isTerminal(p.Stderr) {
		return func(string, ...any) {}
	}
	return func(format string, args ...any) {
		fmt.Fprintf(p.Stderr, "\r\x1b[K"+format, args...)
	}
}

// CanAsk reports whether there is a terminal to ask on.
func (p *Program) CanAsk() bool { return isTerminal(p.Stdin) }

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a character device too
	return err != nil || !os.SameFile(info, null)
}

// Plural counts things: "1 page", "2 pages".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Cell returns text as a cell of a CSV file: with an apostrophe before what a
// spreadsheet would take for a formula.
func Cell(text string) string {
	if strings.IndexAny(text, "=+-@\t\r") == 0 {
		return "'" + text
	}
	return text
}

// List separates the values of a flag.
func List[T ~string](values string) []T {
	var list []T
	for value := range strings.SplitSeq(values, ",") {
		if value = strings.TrimSpace(value); value != "" {
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
		return "Apono refused the token: check APONO_TOKEN or APONO_PERSONAL_TOKEN, or make a new token in the Apono portal"
	case errors.Is(err, apono.ErrForbidden):
		return "this token may not do that: " + err.Error()
	case errors.Is(err, context.Canceled):
		return "interrupted"
	}
	return err.Error()
}
