package contract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/wire"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

// Intended differences from the document, by the checks that report them.
var (
	methodDeviations = []deviation{
		{1, `AccessRequests.WaitFor sent \["AccessRequests.Get argument-1"\].*`, "WaitFor polls with Get"},
		{1, `Sessions.WaitFor sent \["Sessions.Get argument-1"\].*`, "WaitFor polls with Get"},
		{2, `AccessRequests.(Acquire|During) sent \["AccessRequests.Create"\].*`, "Acquire and During create, poll and revoke"},
		{1, `AccessRequests.Adopt sent \["AccessRequests.Get argument-1"\].*`, "Adopt polls with Get"},
		{1, `AccessRequests.EnsureRevoked sent \["AccessRequests.Revoke argument-1" "AccessRequests.Get argument-1"\].*`, "EnsureRevoked reads what could not be revoked"},
		{6, `.*\.GetByName sent \[".*\.List"\].*`, "GetByName searches with List"},
	}
	typeDeviations = []deviation{
		{4, `.*: the only member of .* is the argument`, "a single name or list needs no struct"},
		{1, `AccessFlowV2.requestor_identity_type: required is true .*,omitzero.*`, "older servers do not return it, and encoding must not add it"},
		{4, `.*\.Delete: the response MessageResponse is not returned`, "Delete returns only an error, as on services whose API returns 204"},
		{1, `apono.Message: several schemas: MessageResponse, PublicApiMessageResponse`, "the same schema twice"},
		{1, `apono.DayOfWeek: several schemas: DayOfWeek, DayOfWeekV2`, "the same schema twice"},
		{1, `apono.SecretStoreConfig: several schemas: SecretStoreConfigV4, UpsertSecretStoreConfigV4`, "the same schema twice"},
		{1, `apono.Ref: several schemas: BundlePartialV4, IntegrationPartialV4`, "the same schema twice"},
		{1, `apono.IdentityRef: several schemas: GranteeIdentityV1, GranteeIdentityV11, GranteeIdentityV4, RequestorIdentityV4`, "the same schema four times"},
		{1, `apono.ConditionGroup: several schemas: GranteesV2, RequestorsV2`, "the same schema twice"},
		{1, `apono.ConditionGroupInput: several schemas: GranteesUpsertV2, RequestorsUpsertV2`, "the same schema twice"},
		{1, `apono.QueryTarget: several schemas: QueryAccessTargetUpsertV2, QueryAccessTargetV2`, "the same schema twice"},
		{28, `.*: the document has no query parameter "(limit|skip)"`, "the server may support pagination by offset, although it is not documented"},
	}
	exchangeDeviations = []deviation{
		{2, `Integration\.(connection|details): no response has it`, "the fake keeps integrations of version 4, which does not have it"},
	}
)

func mustBeNone(t *testing.T, problems []string) {
	t.Helper()
	for _, problem := range problems {
		t.Error(problem)
	}
}

// A wrong path would be a 404 from the real server only.
func TestOperationsMatchDocument(t *testing.T) {
	t.Parallel()
	doc := theDocument(t)
	mustBeNone(t, operationProblems(doc))
	require.Len(t, operation.All(), 109)
	require.Len(t, doc.operations, 109)
	require.Len(t, doc.Components.Schemas, 191)
}

// Every method must call the operation of its name.
func TestMethodsCallTheirOperations(t *testing.T) {
	t.Parallel()
	mustBeNone(t, withoutDeviations(methodProblems(t.Context(), t), methodDeviations))
}

// A member with a wrong name would be lost without an error, and a filter with a wrong
// name would be ignored.
func TestTypesMatchSchemas(t *testing.T) {
	t.Parallel()
	mustBeNone(t, withoutDeviations(typeProblems(theDocument(t)), typeDeviations))
}

// The requests of the library and the responses of the fake server must match the
// document.
func TestExchangesMatchDocument(t *testing.T) {
	t.Parallel()
	doc := theDocument(t)
	result := &report{wanted: len(doc.operations), operations: map[string]bool{}, received: map[string]bool{}}
	t.Run("operations", func(t *testing.T) {
		for _, op := range doc.operations {
			require.NotNilf(t, op.known, "%s %s is not in the table", op.method, op.path)
			t.Run(op.known.Name, func(t *testing.T) {
				t.Parallel()
				run := &exercise{t: t, doc: doc, served: doc, op: op, sent: map[string]bool{}, received: map[string]bool{}}
				run.all()
				result.add(op.known.Name, run.exchanges, run.found, run.received)
			})
		}
	})
	result.finish(doc)
	fmt.Println(result)
	require.Len(t, result.operations, len(doc.operations))
	require.Empty(t, result.violations)
}

// exercise calls one operation with all arguments, bodies and options.
type exercise struct {
	t      *testing.T
	doc    *document
	served *document // for the responses
	op     documented

	exchanges      int
	found          []string // violations
	sent, received map[string]bool
}

func (x *exercise) report(format string, args ...any) {
	x.found = append(x.found, x.op.known.Name+": "+fmt.Sprintf(format, args...))
}

func (x *exercise) all() {
	bodies := calls[x.op.known.Name].bodies
	require.Equalf(x.t, x.op.body() != nil, bodies != nil, "calls has %d bodies, but the body in the document is %q", len(bodies), nameOf(x.op.body()))
	if bodies != nil {
		members(x.op.body().Value, parse([]byte(bodies[0])), func(s *openapi3.Schema, property string) {
			require.Truef(x.t, slices.Contains(s.Required, property) || slices.Contains(needsOne, s.Title), "the first body has the optional member %s.%s", s.Title, property)
		})
	} else {
		bodies = []string{""}
	}
	for _, args := range argsOf(x.op.known.Name, len(x.op.known.Parameters())) {
		for _, body := range bodies {
			if x.served != x.doc {
				body = withoutQueryTargets(body)
			}
			x.each(args, body)
		}
	}
	wanted := map[string]bool{}
	if body := x.op.body(); body != nil {
		properties(body.Value, wanted)
	}
	for name := range x.op.query() {
		wanted["?"+name] = true
	}
	for name := range wanted {
		if !x.sent[name] && x.served == x.doc {
			x.report("no request has %s", name)
		}
	}
}

// violations returns the differences between an exchange and the documents.
func (x *exercise) violations(e exchange) []string {
	if x.served == x.doc {
		return x.doc.violations(e)
	}
	problems, _ := x.doc.requestViolations(e.request, e.body)
	if _, input := x.served.requestViolations(e.request, e.body); input != nil {
		problems = append(problems, x.served.responseViolations(input, e)...)
	}
	return problems
}

// each calls the methods of the operation, such as List and ListAll, with the same
// arguments.
func (x *exercise) each(args []string, body string) {
	for _, m := range unused() {
		if m.operation != x.op.known.Name {
			continue
		}
		x.call(m.name, args, body, nil)
		if m.options() != nil {
			x.call(m.name, args, body, x.setAll)
		}
	}
}

// setAll sets every option in the document.
func (x *exercise) setAll(options reflect.Value) {
	params := x.op.query()
	for i := range options.NumField() {
		param, _, _ := strings.Cut(options.Type().Field(i).Tag.Get("url"), ",")
		schema := params[param]
		// A page token replaces all filters.
		if schema == nil || param == "page_token" {
			continue
		}
		switch f := options.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("full")
		case reflect.Slice:
			for _, value := range []string{"full", "bare"} {
				element := reflect.New(f.Type().Elem()).Elem()
				if enum := schema.Items.Value.Enum; enum != nil {
					value = fmt.Sprint(enum[f.Len()])
				}
				element.SetString(value)
				f.Set(reflect.Append(f, element))
			}
		default:
			f.SetInt(2)
		}
	}
}

// call calls a method once, with a new server.
func (x *exercise) call(name string, args []string, body string, set func(reflect.Value)) {
	var options []aponotest.Option
	if name != x.op.known.Name { // all pages
		options = append(options, aponotest.WithPageSize(1))
		if x.op.query()["skip"] != nil {
			options = append(options, aponotest.WithOffsetPageSize(1))
		}
	}
	var server *aponotest.Server
	if x.served == x.doc {
		server = aponotest.NewServer(x.t, options...)
		fill(server)
	} else {
		server = olderServer(x.t, options...)
	}
	kept := &recorder{}
	client := server.Client(apono.WithHTTPClient(&http.Client{Transport: kept}))
	i := slices.IndexFunc(methods(client), func(m method) bool { return m.name == name })
	result, err := methods(client)[i].call(context.Background(), args, body, set)
	if partial := (*apono.BulkError)(nil); errors.As(err, &partial) {
		err = nil // the result is returned too
	}
	if err != nil {
		x.report("%s(%q, %s) failed: %v", name, args, body, err)
	}
	x.exchanges += len(kept.exchanges)
	if pages := len(kept.exchanges); len(options) > 0 && set == nil && pages < 2 {
		_, byToken := x.op.query()["page_token"]
		if byToken || len(options) > 1 {
			x.report("pages: %d; want several", pages)
		}
	}
	items, want := []any{}, any(nil)
	for _, e := range kept.exchanges {
		for _, violation := range x.violations(e) {
			x.report("%s\n    %s", violation, e)
		}
		if body != "" {
			if !reflect.DeepEqual(parse(e.body), parse([]byte(body))) {
				x.report("the body is not the input %s\n    %s", body, e)
			}
			members(x.op.body().Value, parse(e.body), func(s *openapi3.Schema, property string) { x.sent[s.Title+"."+property] = true })
		}
		for param := range e.request.URL.Query() {
			x.sent["?"+param] = true
		}
		if response := x.op.response(); response != nil {
			value := parse(e.response)
			members(response.Value, value, func(s *openapi3.Schema, property string) { x.received[s.Title+"."+property] = true })
			list, paged := itemsOf(value)
			if items = append(items, list...); !paged {
				want = value
			}
		}
	}
	if want == nil {
		want = items
	}
	if err == nil && result != nil && !reflect.DeepEqual(decoded(x.t, result), canonical(want)) {
		x.report("%s returned %v\n    but the response was %v", name, decoded(x.t, result), canonical(want))
	}
}

// itemsOf returns the items of a page.
func itemsOf(response any) (items []any, paged bool) {
	envelope, _ := response.(map[string]any)
	for _, name := range []string{"items", "data"} {
		if items, paged = envelope[name].([]any); paged {
			return items, true
		}
	}
	return nil, false
}

// decoded returns the result of a method as canonical JSON.
func decoded(t *testing.T, result any) any {
	if page := reflect.Indirect(reflect.ValueOf(result)); page.Kind() == reflect.Struct && page.FieldByName("Items").IsValid() {
		result = page.FieldByName("Items").Interface()
	}
	data, err := wire.Marshal(result)
	require.NoError(t, err)
	return canonical(parse(data))
}

// canonical returns a JSON value with all times as time.Time in UTC.
func canonical(value any) any {
	switch value := value.(type) {
	case string:
		if at, err := time.Parse(time.RFC3339Nano, value); err == nil {
			return at.UTC()
		}
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			list[i] = canonical(element)
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name, member := range value {
			object[name] = canonical(member)
		}
		return object
	}
	return value
}
