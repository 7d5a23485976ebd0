package program

import (
	"context"
	"fmt"
	"io"
	"os"
)

// ReadFile returns the content of a file, or of Stdin if path is "-". It returns early
// if ctx is canceled, since a terminal or a FIFO can block, and fails if the file has more
// than limit bytes.
func (p *Program) ReadFile(ctx context.Context, path string, limit int64) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() { // opening and reading cannot be canceled; they end with the process
		data, err := readFile(p.Stdin, path, limit)
		done <- result{data, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-done:
		return r.data, r.err
	}
}

func readFile(stdin io.Reader, path string, limit int64) ([]byte, error) {
	from, name := stdin, "standard input"
	if path != "-" {
		file, err := os.Open(path) //nolint:gosec // the file that the user names
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		from, name = file, path
	}
	data, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return data, err
}
