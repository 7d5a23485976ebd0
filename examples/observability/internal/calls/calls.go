// Package calls makes concurrent calls for the programs with rate limiters.
package calls

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/apono-go/apono"
)

// AtOnce makes concurrent calls and prints when each one ended. It returns the
// first error of a call.
func AtOnce(ctx context.Context, out io.Writer, client *apono.Client, calls int) error {
	started := time.Now()
	responses := make(chan error, calls)
	var group sync.WaitGroup
	for range calls {
		group.Go(func() {
			_, err := client.Users.List(ctx, apono.ListUsersOptions{Limit: 1})
			responses <- err
		})
	}
	go func() {
		group.Wait()
		close(responses)
	}()
	var failed error
	n := 0
	for err := range responses {
		n++
		text := "ok"
		if err != nil {
			failed = cmp.Or(failed, err)
			text = err.Error()
		}
		if _, err := fmt.Fprintf(out, "call %d of %d, after %.1f s: %s\n", n, calls, time.Since(started).Seconds(), text); err != nil {
			return err
		}
	}
	return failed
}
