package apono

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// overstayTimeout is how long the function of During may run after its context ended.
const overstayTimeout = 10 * time.Second

// During acquires access, calls use, and revokes the access: it is
// [AccessRequestsService.Acquire], use and [Grant.Revoke]. It revokes when use returns,
// panics or ends its goroutine; a panic continues after the revocation. Access that may
// remain is returned as a [*RevokeError], joined with the error that use returned.
//
// While use runs, During watches the access, as [Grant.Watch] does. When it ends, the
// context of use is canceled, with the error of Watch as its cause. If use has not
// returned ten seconds after its context has ended, During revokes the access, and logs
// that at level Error with the logger of [WithLogger]. It still returns after use.
//
// os.Exit, log.Fatal and an unhandled signal leave the access in place. To revoke it
// after a signal, pass a context of [os/signal.NotifyContext]; after SIGKILL, save the IDs
// in OnCreated and pass them to [AccessRequestsService.EnsureRevoked].
//
// POST /api/user/v4/access-requests
func (s *AccessRequestsService) During(ctx context.Context, in CreateAccessRequestInput, use func(ctx context.Context, grant *Grant) error, opts ...AcquireOptions) error {
	if use == nil {
		return &ArgumentError{Arg: "use", Reason: "must not be nil: pass the function that needs the access"}
	}
	g, err := s.Acquire(ctx, in, opts...)
	if err != nil {
		return err
	}
	return g.thenRevoke(ctx, false, func() error { return g.watched(ctx, use) })
}

// watched calls use with a context that ends with the access.
func (g *Grant) watched(ctx context.Context, use func(context.Context, *Grant) error) error {
	useCtx, cancel := context.WithCancelCause(ctx)
	returned := make(chan struct{})
	var endErr error
	ended, rethrow := async(func() {
		defer g.endOverstay(ctx, returned)
		defer func() { cancel(endErr) }() // also if a poll panics
		if err := g.Watch(useCtx); useCtx.Err() == nil {
			endErr = fmt.Errorf("apono: the access ended while it was in use: %w", err)
		}
	})
	err := func() error {
		defer func() {
			close(returned)
			cancel(nil)
			<-ended
		}()
		return use(useCtx, g)
	}()
	rethrow()
	if err != nil && endErr != nil && !errors.Is(err, endErr) {
		err = fmt.Errorf("%w: %w", err, endErr)
	}
	return err
}

// endOverstay revokes the access if use does not return in time.
func (g *Grant) endOverstay(ctx context.Context, returned <-chan struct{}) {
	select {
	case <-returned:
		return
	case <-time.After(overstayTimeout):
	}
	if logger := g.service.client.logger; logger != nil {
		logger.LogAttrs(ctx, slog.LevelError, "apono access is revoked while it is in use", slog.Any("requests", g.ids),
			slog.String("error", fmt.Sprintf("the function of During has not returned %s after its context ended", overstayTimeout)))
	}
	_ = g.Revoke(ctx) // the result is returned when use returns
}
