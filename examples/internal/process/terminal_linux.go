package process

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// Terminal opens a pseudoterminal and returns both ends: person for the test,
// program for the program's standard streams.
func Terminal(tb testing.TB) (person, program *os.File) {
	tb.Helper()
	person = open(tb, "/dev/ptmx", os.O_RDWR)
	var unlock, number uint32
	for request, arg := range map[uintptr]*uint32{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		//nolint:gosec // the system call takes an address
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(unsafe.Pointer(arg)))
		require.Zerof(tb, errno, "cannot open a pseudoterminal: %v", errno)
	}
	return person, open(tb, fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY)
}

func open(tb testing.TB, name string, flag int) *os.File {
	tb.Helper()
	file, err := os.OpenFile(name, flag, 0) //nolint:gosec // a device
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = file.Close() })
	return file
}
