package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestMain(m *testing.M) { process.Main(m, main) }

// telemetry records spans and metrics in memory.
type telemetry struct {
	tracers *sdktrace.TracerProvider
	meters  *sdkmetric.MeterProvider
	spans   *tracetest.InMemoryExporter
	metrics *sdkmetric.ManualReader
}

func newTelemetry() telemetry {
	spans, metrics := tracetest.NewInMemoryExporter(), sdkmetric.NewManualReader()
	return telemetry{
		sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)), sdkmetric.NewMeterProvider(sdkmetric.WithReader(metrics)), spans, metrics,
	}
}

func (tel telemetry) middleware() apono.Option {
	return apono.WithMiddleware(Middleware(tel.tracers, tel.meters))
}

// attributesOf returns the attributes of a span, except those of the server.
func attributesOf(span tracetest.SpanStub) map[string]string {
	texts := map[string]string{}
	for _, a := range span.Attributes {
		if a.Key != "server.address" && a.Key != "server.port" {
			texts[string(a.Key)] = a.Value.String()
		}
	}
	return texts
}

// all returns all spans and metrics as the exporters print them.
func (tel telemetry) all(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	spans, err := stdouttrace.New(stdouttrace.WithWriter(&out))
	require.NoError(t, err)
	require.NoError(t, spans.ExportSpans(t.Context(), tel.spans.GetSpans().Snapshots()))
	metrics, err := stdoutmetric.New(stdoutmetric.WithWriter(&out))
	require.NoError(t, err)
	collected := tel.collect(t)
	require.NoError(t, metrics.Export(t.Context(), &collected))
	return out.String()
}

func (tel telemetry) collect(t *testing.T) metricdata.ResourceMetrics {
	t.Helper()
	var collected metricdata.ResourceMetrics
	require.NoError(t, tel.metrics.Collect(t.Context(), &collected))
	return collected
}

// names returns the names of all spans.
func (tel telemetry) names() []string {
	var names []string
	for _, span := range tel.spans.GetSpans() {
		names = append(names, span.Name)
	}
	return names
}

// Traces may be stored by a third party, so spans must not contain arguments of
// calls.
func TestSpansAreNamedByOperationWithoutArguments(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := aponotest.NewServer(t, aponotest.WithDemoTenant(), aponotest.WithoutNetwork())
		tel := newTelemetry()
		server.FaultNext("Groups.List", 1, aponotest.Fault{Status: http.StatusServiceUnavailable})
		require.NoError(t, look(t.Context(), server.Client(tel.middleware()), tel.tracers, "user-00-00", "ord*"))
		require.Equal(t, []string{
			"GET /api/admin/v3/users/{id}", "GET /api/admin/v1/groups", "GET /api/admin/v1/groups",
			"GET /api/admin/v1/groups/{id}/members", "look for a person",
		}, tel.names())
		spans := tel.spans.GetSpans()
		require.Equal(t, map[string]string{
			"http.request.method": "GET", "url.full": "http://localhost/api/admin/v3/users/%7Bid%7D",
			"url.template": "/api/admin/v3/users/{id}", "http.response.status_code": "200", "network.protocol.version": "1.1",
		}, attributesOf(spans[0]))
		require.Equal(t, "503", attributesOf(spans[1])["http.response.status_code"])
		require.Equal(t, codes.Error, spans[1].Status.Code)
		require.Equal(t, "http://localhost/api/admin/v1/groups", attributesOf(spans[2])["url.full"])
		for _, span := range spans[:4] {
			require.Equal(t, spans[4].SpanContext.SpanID(), span.Parent.SpanID())
			require.Equal(t, spans[4].SpanContext.TraceID(), span.SpanContext.TraceID())
		}
		require.Len(t, spans[4].Events, 1)

		text := tel.all(t)
		for _, part := range []string{
			"user-00-00", "ord", "@example.com", server.Token, "Bearer",
		} {
			require.NotContains(t, text, part)
		}
		requests := server.Requests()
		require.Len(t, requests, 4)
		require.Equal(t, "/api/admin/v3/users/user-00-00", requests[0].Path)
		require.Equal(t, "name=ord%2A", requests[2].Query.Encode())
		require.Equal(t, "/api/admin/v1/groups/group-orders/members", requests[3].Path)
	})
}

// Metrics have one series per operation and status, not one per object.
func TestMetricsAreGroupedByOperation(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithDemoTenant())
	tel := newTelemetry()
	client := server.Client(tel.middleware())
	for _, id := range []string{"user-00-00", "user-00-01", "user-00-02"} {
		_, err := client.Users.Get(t.Context(), id)
		require.NoError(t, err)
	}
	_, err := client.Users.Get(t.Context(), "nobody")
	require.ErrorIs(t, err, apono.ErrNotFound)
	counts := map[string]uint64{}
	for _, scope := range tel.collect(t).ScopeMetrics {
		for _, metric := range scope.Metrics {
			if metric.Name != "http.client.request.duration" {
				continue
			}
			durations, ok := metric.Data.(metricdata.Histogram[float64])
			require.Truef(t, ok, "the metric is a %T, not a histogram", metric.Data)
			for _, point := range durations.DataPoints {
				template, _ := point.Attributes.Value("url.template")
				status, _ := point.Attributes.Value(attribute.Key("http.response.status_code"))
				counts[template.String()+" "+status.String()] += point.Count
			}
		}
	}
	require.Equal(t, map[string]uint64{"/api/admin/v3/users/{id} 200": 3, "/api/admin/v3/users/{id} 404": 1}, counts)
	text := tel.all(t)
	require.NotContains(t, text, "user-00-0")
	require.NotContains(t, text, "nobody")
	require.NotContains(t, text, server.Token)
}

// The middleware does not change the requests that are sent.
func TestRequestsAreNotChanged(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithDemoTenant())
	tel := newTelemetry()
	client := server.Client(tel.middleware())
	_, err := client.Users.Get(t.Context(), "a/b?c@d.com")
	require.ErrorIs(t, err, apono.ErrNotFound)
	_, err = client.Groups.Create(t.Context(), apono.CreateGroupInput{Name: "night shift", MembersEmails: []string{"ada.orders@example.com"}})
	require.NoError(t, err)
	require.NoError(t, client.Groups.AddMember(t.Context(), "group-orders", "ada.payments@example.com"))
	requests := server.Requests()
	require.Equal(t, "/api/admin/v3/users/a%2Fb%3Fc@d.com", requests[0].Path)
	require.Equal(t, "/api/admin/v1/groups", requests[1].Path)
	apitest.JSONEq(t, `{"name": "night shift", "members_emails": ["ada.orders@example.com"]}`, requests[1].Body)
	require.Equal(t, "Bearer "+server.Token, requests[1].Header.Get("Authorization"))
	require.Equal(t, "/api/admin/v1/groups/group-orders/members/ada.payments@example.com", requests[2].Path)
	require.Equal(t, []string{
		"GET /api/admin/v3/users/{id}", "POST /api/admin/v1/groups", "PUT /api/admin/v1/groups/{id}/members/{email}",
	}, tel.names())
	text := tel.all(t)
	for _, part := range []string{
		"a/b", "a%2Fb", "night shift", "@", server.Token,
	} {
		require.NotContains(t, text, part)
	}
}

// A request without a response is recorded as a span with an error.
func TestNetworkErrorsAreRecorded(t *testing.T) {
	t.Parallel()
	tel := newTelemetry()
	broken := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })
	client, err := apono.NewClient("secret-token", apono.WithHTTPClient(&http.Client{Transport: broken}),
		apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 1}), tel.middleware())
	require.NoError(t, err)
	_, err = client.Groups.Get(t.Context(), "group-orders")
	require.ErrorAs(t, err, new(*apono.TransportError))
	span := tel.spans.GetSpans()[0]
	require.Equal(t, "GET /api/admin/v1/groups/{id}", span.Name)
	require.Equal(t, sdktrace.Status{Code: codes.Error, Description: "no route"}, span.Status)
	text := tel.all(t)
	require.NotContains(t, text, "group-orders")
	require.NotContains(t, text, "secret-token")
}

func TestPrintsSpansAndMetrics(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithDemoTenant())
	result := process.Run(t, process.Env(server), "-user", "user-01-03", "-group", "catalog")
	require.Empty(t, result.Stderr)
	require.Zero(t, result.Code)
	var names []string
	metrics := 0
	decoder := json.NewDecoder(strings.NewReader(result.Stdout))
	for {
		var record struct {
			Name         string `json:"Name"`
			ScopeMetrics []any  `json:"ScopeMetrics"`
		}
		err := decoder.Decode(&record)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if record.Name != "" {
			names = append(names, record.Name)
		}
		metrics += len(record.ScopeMetrics)
	}
	require.Equal(t, []string{
		"GET /api/admin/v3/users/{id}", "GET /api/admin/v1/groups", "GET /api/admin/v1/groups/{id}/members", "look for a person",
	}, names)
	require.Equal(t, 1, metrics)
	for _, part := range []string{
		"user-01-03", "catalog", "@example.com", server.Token,
	} {
		require.NotContains(t, result.Stdout, part)
	}

	result = process.Run(t, process.Env(server), "-user", "nobody")
	require.Equal(t, 1, result.Code)
	require.Contains(t, result.Stdout, `"Name":"GET /api/admin/v3/users/{id}"`)
	require.Contains(t, result.Stdout, `"ScopeMetrics":[{`)
	require.Equal(t, 1, strings.Count(result.Stderr, "\n"))
}

func TestUsage(t *testing.T) {
	t.Parallel()
	help := process.Help(t)
	require.Contains(t, help, "Usage: otel [flags]\n")
	require.Contains(t, help, "-group")
	require.Contains(t, help, "-user")
	require.Equal(t, 2, process.Run(t, nil, "extra").Code)
}
