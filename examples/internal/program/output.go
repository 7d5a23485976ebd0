package program

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/apono-go/apono"
)

// stream is a standard stream of the process. A write that fails does not stop the
// program, which may hold or change something: it is reported at the end. On a terminal,
// a write first clears the line of progress, and text is written as by [Clean].
type stream struct {
	file   *os.File
	screen *screen // nil if the file is not a terminal
	mu     sync.Mutex
	rest   []byte // incomplete character at the end of the last write to a terminal
	err    error  // of the first write that failed
}

func newStream(file *os.File, s *screen) *stream {
	if !isTerminal(file) {
		return &stream{file: file}
	}
	return &stream{file: file, screen: s}
}

// Write implements io.Writer. It returns no error.
func (s *stream) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := data
	if s.screen != nil && len(data) > 0 {
		s.screen.mu.Lock()
		defer s.screen.mu.Unlock()
		s.screen.erase()
		s.screen.midLine = data[len(data)-1] != '\n'
		text, s.rest = splitIncomplete(append(s.rest, data...))
		text = []byte(CleanLines(string(text)))
	}
	s.write(text)
	return len(data), nil
}

func (s *stream) write(text []byte) {
	if s.err == nil {
		_, s.err = s.file.Write(text)
	}
}

// end writes what is left and returns the error of the first write that failed.
func (s *stream) end() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write([]byte(CleanLines(string(s.rest))))
	s.rest = nil
	return s.err
}

// splitIncomplete splits off an incomplete character at the end of text.
func splitIncomplete(text []byte) (whole, rest []byte) {
	for i := len(text) - 1; i >= max(0, len(text)-utf8.UTFMax); i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				return text[:i], text[i:]
			}
			break
		}
	}
	return text, nil
}

// WriteErr returns the error of the first failed write to Stdout, or nil. Writes to Stdout
// and Stderr return no error themselves, so that a program that holds or changes something
// goes on; [Main] reports the failure at the end. A program that only reads can stop.
func (p *Program) WriteErr() error {
	s, ok := p.Stdout.(*stream)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Clean returns text as one line without characters that could change how a terminal
// shows other text: line breaks and tabs become spaces, and other control characters,
// invisible characters and invalid UTF-8 become escapes such as \u001b and \xff.
func Clean(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, CleanLines(text)))
}

// CleanLines is like [Clean], but keeps line breaks, tabs and the white space at the
// ends. Stdout and Stderr do this themselves on a terminal.
func CleanLines(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if !strings.ContainsFunc(text, isUnsafe) { // the common case
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case !isUnsafe(r):
			b.WriteRune(r)
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(text[i:]); size > 1 {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, `\x%02x`, text[i])
			}
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// isUnsafe reports whether a terminal may act on a character or show nothing for it.
func isUnsafe(r rune) bool {
	return r != '\n' && r != '\t' && (r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp))
}

// When the line of progress is shown.
const (
	showAfter = time.Second            // of work
	redraw    = 100 * time.Millisecond // once in this time
	pause     = 500 * time.Millisecond // between calls that belong together
)

// screen is the terminal of a process, with a line of progress at its end. The line is
// on Stderr, and disappears before anything else is written.
type screen struct {
	mu      sync.Mutex
	file    *os.File // Stderr; nil if no progress is shown
	midLine bool     // the last line is not complete
	shown   string   // the line of progress on the terminal

	task    string // as the program tells it
	since   time.Time
	calls   string // as the middleware sees it
	count   int
	running int
	began   time.Time // of the first call
	last    time.Time // end of the last call
	failure string    // of the last attempt, which is retried
	failed  time.Time
	drawing bool
}

// newScreen returns the screen of a process. Progress is shown if Stderr is a terminal
// that can erase a line.
func newScreen() *screen {
	s := &screen{}
	if name := os.Getenv("TERM"); isTerminal(os.Stderr) && name != "dumb" {
		s.file = os.Stderr
	}
	return s
}

// start begins to draw the line of progress. The lock is held.
func (s *screen) start() {
	if s.drawing {
		return
	}
	s.drawing = true
	go func() {
		for range time.Tick(redraw) {
			s.mu.Lock()
			if !s.drawing {
				s.mu.Unlock()
				return
			}
			s.draw(time.Now())
			s.mu.Unlock()
		}
	}()
}

// draw shows the current line of progress.
func (s *screen) draw(now time.Time) {
	line := s.line(now)
	if s.file == nil || s.midLine || line == s.shown {
		return
	}
	s.erase()
	if line != "" {
		fmt.Fprint(s.file, cutEnd(Clean(line), terminalWidth(s.file)-1))
		s.shown = line
	}
}

// line returns the line of progress, which is empty if there is nothing to show.
func (s *screen) line(now time.Time) string {
	busy := s.running > 0 || s.failure != "" || now.Sub(s.last) < pause
	line := ""
	switch {
	case s.task != "" && now.Sub(s.since) >= showAfter:
		line = s.task
	case s.task == "" && s.calls != "" && busy && now.Sub(s.began) >= showAfter:
		line = fmt.Sprintf("%s (%s)", s.calls, Plural(s.count, "request"))
	}
	if line != "" && s.failure != "" {
		line += fmt.Sprintf("; waiting to retry, %d s: %s", int(now.Sub(s.failed).Seconds()), s.failure)
	}
	return line
}

// erase removes the line of progress. The lock is held.
func (s *screen) erase() {
	if s.shown != "" {
		fmt.Fprint(s.file, "\r\x1b[K")
		s.shown = ""
	}
}

// Progress returns a function that sets the line of progress, which a terminal on Stderr
// shows for work of more than a second. The line disappears before anything else is
// written, and with an empty format. Without it, the line tells which calls are running.
// The function can be used by several goroutines.
func (p *Program) Progress() func(format string, args ...any) {
	s := p.screen
	if s == nil {
		return func(string, ...any) {}
	}
	return func(format string, args ...any) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if format == "" {
			s.task = ""
			s.erase()
			return
		}
		if s.task == "" {
			s.since = time.Now()
		}
		s.task = fmt.Sprintf(format, args...)
		s.start()
	}
}

// EndProgress ends all progress, for a command that uses the same terminal.
func (p *Program) EndProgress() {
	if s := p.screen; s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.erase()
		s.file = nil
	}
}

// watch is middleware that tells the screen about calls.
func (s *screen) watch(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		name, _, _ := apono.OperationFromContext(req.Context())
		s.begin(activity(req.Method, name))
		defer s.finish()
		return next.RoundTrip(req)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func (s *screen) begin(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.running == 0 && s.failure == "" && now.Sub(s.last) > pause {
		s.began, s.count = now, 0
	}
	if s.calls != what {
		s.count = 0
	}
	s.calls, s.failure = what, ""
	s.count++
	s.running++
	s.start()
}

func (s *screen) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.last = time.Now()
}

// activity describes calls of an operation such as "AccessFlows.List".
func activity(method, operation string) string {
	service, _, _ := strings.Cut(strings.TrimPrefix(operation, "Legacy."), ".")
	var words strings.Builder
	for _, r := range service {
		if unicode.IsUpper(r) && words.Len() > 0 {
			words.WriteByte(' ')
		}
		words.WriteRune(unicode.ToLower(r))
	}
	if method == http.MethodGet {
		return "Reading " + words.String()
	}
	return "Changing " + words.String()
}

// outcome combines the result of a program with the errors of its output. A real error
// of the program matters more than output that nobody reads.
func outcome(err error, outputs ...error) error {
	var code ExitCode
	failed := err != nil && !errors.Is(err, ErrDifferent) && (!errors.As(err, &code) || code != 0)
	for _, output := range outputs {
		switch {
		case output == nil:
		case isClosedPipe(output) && (!failed || isClosedPipe(err)):
			return ExitCode(141) // as if SIGPIPE had ended it
		case !failed:
			return output
		}
	}
	return err
}

// isClosedPipe reports whether nobody reads what was written.
func isClosedPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
