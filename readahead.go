package apono

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/transport"
)

// fetcher runs the requests of one iteration. With ahead it runs each immediately, in a
// goroutine that drop waits for, and otherwise when its result is needed. If middleware,
// limiter, token source or logger panic or end that goroutine, so does the caller.
type fetcher[P any] struct {
	op       *operation.Operation
	parent   context.Context
	ctx      context.Context
	cancel   context.CancelCauseFunc
	ahead    bool
	running  sync.WaitGroup
	unwanted []*fetched[P] // with results that were not needed yet
}

// fetched is the result of a request.
type fetched[P any] struct {
	value    P
	err      error
	returned bool // false after a panic or the end of the goroutine
	panicked any
}

func (r *fetched[P]) get(ctx context.Context, get func(context.Context) (P, error)) {
	defer func() {
		if !r.returned {
			r.panicked = recover() // nil after runtime.Goexit
		}
	}()
	r.value, r.err = get(ctx)
	r.returned = true
}

// rethrow panics or ends the goroutine if the request did.
func (r *fetched[P]) rethrow() {
	switch {
	case r.panicked != nil:
		panic(r.panicked)
	case !r.returned:
		runtime.Goexit()
	}
}

func newFetcher[P any](ctx context.Context, op *operation.Operation, ahead bool) *fetcher[P] {
	return &fetcher[P]{op: op, parent: ctx, ahead: ahead && ctx != nil}
}

func (f *fetcher[P]) fetch(get func(context.Context) (P, error)) (result func() (P, error)) {
	if !f.ahead {
		return func() (P, error) { return get(f.parent) }
	}
	if f.ctx == nil {
		f.ctx, f.cancel = context.WithCancelCause(f.parent)
	}
	ctx, r, done := f.ctx, new(fetched[P]), make(chan struct{})
	f.unwanted = append(f.unwanted, r)
	f.running.Go(func() {
		defer close(done)
		r.get(ctx, get)
	})
	runtime.Gosched() // sends the request before the caller continues
	return func() (P, error) {
		<-done
		f.unwanted = slices.DeleteFunc(f.unwanted, func(other *fetched[P]) bool { return other == r })
		r.rethrow()
		value, err := r.value, r.err
		// Without read-ahead, the request would start after the end of the context and
		// fail.
		if err == nil && f.parent.Err() != nil {
			err = newTransportError(f.op, transport.ContextErr(f.parent))
		}
		return value, err
	}
}

// drop cancels the pending requests and waits for their end. It panics if one of them
// did.
func (f *fetcher[P]) drop() {
	if f.ctx == nil {
		return
	}
	f.cancel(transport.ErrAbandoned)
	f.running.Wait()
	unwanted := f.unwanted
	f.ctx, f.unwanted = nil, nil
	for _, r := range unwanted {
		r.rethrow()
	}
}

// offsetWindow holds the pending pages of a list by offset in their order.
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

// page returns the page at an offset. Pending pages of other offsets were guessed
// wrongly and are dropped.
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

// readAhead requests pages from an offset until w.ahead are pending. It expects them to
// be as long as the last one.
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
