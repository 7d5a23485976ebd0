// Command otel traces and measures the calls of an Apono client with
// OpenTelemetry: one span and one measurement for each attempt, named after the
// operation, and without ids, e-mail addresses, queries and tokens.
//
// To use it in a program, copy Middleware and what it needs, and replace the exporters.
package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("otel", run) }

const about = "Looks for a person in groups, and prints the spans and metrics of that."

func run(ctx context.Context, p *program.Program) (err error) {
	id := p.Flags.String("user", "user-00-00", "look for the user with this `id`")
	name := p.Flags.String("group", "ord*", "look in groups of this `name`; an asterisk at an end stands for any text")
	if err := p.Parse(about); err != nil {
		return err
	}
	spans, err := stdouttrace.New(stdouttrace.WithWriter(p.Stdout))
	if err != nil {
		return err
	}
	metrics, err := stdoutmetric.New(stdoutmetric.WithWriter(p.Stdout))
	if err != nil {
		return err
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics)))
	defer func() {
		// What was measured until an interrupt is worth printing, too.
		ctx := context.WithoutCancel(ctx)
		err = errors.Join(err, tracers.Shutdown(ctx), meters.Shutdown(ctx))
	}()
	client, disconnect, err := p.Connect(nil, apono.WithMiddleware(Middleware(tracers, meters)))
	if err != nil {
		return err
	}
	defer disconnect()
	return look(ctx, client, tracers, *id, *name)
}

// look makes calls whose arguments say something about a person.
func look(ctx context.Context, client *apono.Client, tracers trace.TracerProvider, id, name string) error {
	ctx, span := tracers.Tracer("look").Start(ctx, "look for a person")
	defer span.End()
	user, err := client.Users.Get(ctx, id)
	if err != nil {
		return err
	}
	for group, err := range client.Groups.ListAll(ctx, apono.ListGroupsOptions{Name: name}) {
		if err != nil {
			return err
		}
		members, err := apono.Collect(client.Groups.ListAllMembers(ctx, group.ID))
		if err != nil {
			return err
		}
		if slices.ContainsFunc(members, func(m *apono.GroupMember) bool { return m.Email == user.Email }) {
			span.AddEvent("found in a group")
		}
	}
	return nil
}

// Middleware is for [apono.WithMiddleware]. otelhttp describes requests by their whole
// address, which holds ids, e-mail addresses and filters; so it gets to see a
// request with the template of the address, and the address itself is put back
// behind it. No token is there to be seen: the client adds it later.
func Middleware(tracers trace.TracerProvider, meters metric.MeterProvider) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		instrumented := otelhttp.NewTransport(roundTripper(func(req *http.Request) (*http.Response, error) {
			trace.SpanFromContext(req.Context()).SetAttributes(attribute.String(urlTemplate, req.URL.Path))
			address, _ := req.Context().Value(addressKey{}).(*url.URL)
			req = req.Clone(req.Context())
			req.URL = address
			return next.RoundTrip(req)
		}),
			otelhttp.WithTracerProvider(tracers),
			otelhttp.WithMeterProvider(meters),
			otelhttp.WithSpanNameFormatter(func(_ string, req *http.Request) string { return req.Method + " " + req.URL.Path }),
		)
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			_, template, _ := apono.OperationFromContext(req.Context())
			address := req.URL
			shown := &url.URL{Scheme: address.Scheme, Host: address.Host, Path: template}
			var forMetrics otelhttp.Labeler
			forMetrics.Add(attribute.String(urlTemplate, shown.Path))
			// It is ContextWithClientLabeler since otelhttp 0.72, which needs Go 1.26.
			ctx := otelhttp.ContextWithLabeler(req.Context(), &forMetrics)
			req = req.Clone(context.WithValue(ctx, addressKey{}, address))
			req.URL = shown
			return instrumented.RoundTrip(req)
		})
	}
}

// addressKey is where a request's address waits to be put back.
type addressKey struct{}

// urlTemplate is the conventional attribute for an address without arguments.
const urlTemplate = "url.template"

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
