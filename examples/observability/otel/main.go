// Command otel records the calls of an Apono client with OpenTelemetry: one span
// and one measurement for each attempt. They are named after the operation and do
// not contain ids, e-mail addresses, queries or tokens.
//
// To use it in a program, copy [Middleware] and what it refers to, and replace the
// exporters.
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

const about = "Looks for a user in groups and prints spans and metrics of the calls as JSON."

func run(ctx context.Context, p *program.Program) (err error) {
	id := p.Flags.String("user", "user-00-00", "look for the user with this `id`")
	name := p.Flags.String("group", "ord*", "look in groups with this `name`; an asterisk at the start or end matches any text")
	p.Examples = []string{
		`otel -demo`,
		`otel -user user-00-00 -group "prod*"`,
	}
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
		// Export also after an interrupt.
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

// look makes calls with personal data in their arguments.
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

// Middleware returns a middleware for [apono.WithMiddleware] that records each
// attempt with otelhttp. The package otelhttp records the URL of a request, which
// contains ids, e-mail addresses and filters. Middleware therefore passes it a
// request whose path is the template of the operation and restores the URL before
// the request is sent. The client adds the token later.
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
			// otelhttp 0.72, which needs Go 1.26, names this ContextWithClientLabeler.
			ctx := otelhttp.ContextWithLabeler(req.Context(), &forMetrics)
			req = req.Clone(context.WithValue(ctx, addressKey{}, address))
			req.URL = shown
			return instrumented.RoundTrip(req)
		})
	}
}

// addressKey is the context key of the URL to restore.
type addressKey struct{}

// urlTemplate is the standard attribute for the template of a URL.
const urlTemplate = "url.template"

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
