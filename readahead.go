package apono

import (
	"context"
	"runtime"
	"sync"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/transport"
)

// fetcher runs the requests of one iteration: each when its result is asked
// for, or with ahead at once, in a goroutine that drop waits for.
type fetcher[P any] struct {
	op      *operation.Operation
	parent  context.Context
	ctx     context.Context
	cancel  context.CancelFunc
	ahead   bool
	running sync.WaitGroup
}

func newFetcher[P any](ctx context.Context, op *operation.Operation, ahead bool) *fetcher[P] {
	return &fetcher[P]{op: op, parent: ctx, ahead: ahead && ctx != nil}
}

func (f *fetcher[P]) fetch(get func(context.Context) (P, error)) (result func() (P, error)) {
	if !f.ahead {
		return func() (P, error) { return get(f.parent) }
	}
	if f.ctx == nil {
		f.ctx, f.cancel = context.WithCancel(f.parent) //nolint:gosec // drop calls it
	}
	ctx := f.ctx
	var value P
	var err error
	done := make(chan struct{})
	f.running.Go(func() {
		defer close(done)
		value, err = get(ctx)
	})
	runtime.Gosched() // lets the request go out before the caller is busy again
	return func() (P, error) {
		<-done
		// What came before the context ended would have been asked for after it
		// without reading ahead.
		if err == nil && f.parent.Err() != nil {
			err = newTransportError(f.op, transport.ContextErr(f.parent))
		}
		return value, err
	}
}

// drop cancels the requests that are under way and waits for their end.
func (f *fetcher[P]) drop() {
	if f.ctx != nil {
		f.cancel()
		f.running.Wait()
		f.ctx = nil
	}
}

// offsetWindow holds the pages of a list by offset that are on their way, the
// next one first.
type offsetWindow[T any] struct {
	*fetcher[*OffsetPage[T]]
	get     func(ctx context.Context, skip int) (*OffsetPage[T], error)
	ahead   int
	pending []pendingPage[T]
}

type pendingPage[T any] struct {
	skip   int
	result func() (*OffsetPage[T], error)
}

// page returns the page at an offset. Pages on their way to another offset were
// a wrong guess; their results are dropped.
func (w *offsetWindow[T]) page(at int) (*OffsetPage[T], error) {
	if len(w.pending) > 0 && w.pending[0].skip != at {
		w.drop()
		w.pending = nil
	}
	if len(w.pending) == 0 {
		w.request(at)
	}
	next := w.pending[0]
	w.pending = w.pending[1:]
	return next.result()
}

// readAhead requests the pages from an offset, as many as may be under way,
// on the guess that they are as long as the last one.
func (w *offsetWindow[T]) readAhead(at, size, total int) {
	if n := len(w.pending); n > 0 {
		at = w.pending[n-1].skip + size
	}
	for ; size > 0 && at < total && len(w.pending) < w.ahead; at += size {
		w.request(at)
	}
}

func (w *offsetWindow[T]) request(skip int) {
	result := w.fetch(func(ctx context.Context) (*OffsetPage[T], error) { return w.get(ctx, skip) })
	w.pending = append(w.pending, pendingPage[T]{skip: skip, result: result})
}
