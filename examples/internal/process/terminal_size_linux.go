package process

import (
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// Resize sets the number of columns of a terminal, which has 24 rows.
func Resize(tb testing.TB, terminal *os.File, columns uint16) {
	tb.Helper()
	size := [4]uint16{24, columns}
	//nolint:gosec // the system call takes an address
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, terminal.Fd(), syscall.TIOCSWINSZ, uintptr(unsafe.Pointer(&size)))
	require.Zerof(tb, errno, "cannot resize the terminal: %v", errno)
}

// RunOnTerminal runs the program with its output on a terminal, and returns what the
// terminal received, without the carriage returns that it adds, and the exit code.
func RunOnTerminal(tb testing.TB, columns uint16, env []string, args ...string) (shown string, code int) {
	tb.Helper()
	person, terminal := Terminal(tb)
	Resize(tb, terminal, columns)
	cmd := Command(tb, env, args...)
	cmd.Stdout, cmd.Stderr = terminal, terminal
	require.NoError(tb, cmd.Start())
	require.NoError(tb, terminal.Close())
	text, _ := io.ReadAll(person) // ends with EIO when the program ends
	_ = cmd.Wait()
	return strings.ReplaceAll(string(text), "\r\n", "\n"), cmd.ProcessState.ExitCode()
}
