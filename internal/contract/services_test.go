package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/require"
)

// method is an exported method of a service.
type method struct {
	name      string // such as "Integrations.ListAll"
	operation string // expected name of its operation, such as "Integrations.List"
	fn        reflect.Value
}

func (m method) listsAll() bool { return m.name != m.operation }

// methods returns the methods of all services of a client.
func methods(client *apono.Client) []method {
	var found []method
	var walk func(prefix string, services reflect.Value)
	walk = func(prefix string, services reflect.Value) {
		for i := range services.NumField() {
			name := prefix + services.Type().Field(i).Name
			switch service := services.Field(i); {
			case !services.Type().Field(i).IsExported():
			case service.Type() == reflect.TypeFor[*apono.Legacy]():
				walk(name+".", service.Elem())
			default:
				for j := range service.NumMethod() {
					own := service.Type().Method(j).Name
					single := own
					if rest, ok := strings.CutPrefix(own, "ListAll"); ok {
						single = "List" + rest
					}
					found = append(found, method{name: name + "." + own, operation: name + "." + single, fn: service.Method(j)})
				}
			}
		}
	}
	walk("", reflect.ValueOf(client).Elem())
	return found
}

// unused returns the methods of a client that is used for its types only.
var unused = sync.OnceValue(func() []method {
	client, err := apono.NewClient("token")
	if err != nil {
		panic(err)
	}
	return methods(client)
})

// input returns the type of the method's input, nil without one. It is the last
// parameter that is neither a path argument nor options.
func (m method) input(op *operation.Operation) reflect.Type {
	at, end := 1+len(op.Parameters()), m.fn.Type().NumIn()
	if m.options() != nil {
		end--
	}
	if at < end {
		return m.fn.Type().In(at)
	}
	return nil
}

// options returns the type of the method's options, nil without options.
func (m method) options() reflect.Type {
	if t := m.fn.Type(); t.IsVariadic() {
		return t.In(t.NumIn() - 1).Elem()
	}
	return nil
}

// call calls the method with path arguments, a body in JSON, and options if set is not
// nil. It returns the result of the method, or the items if that is a sequence.
func (m method) call(ctx context.Context, args []string, body string, set func(options reflect.Value)) (result any, err error) {
	in := []reflect.Value{reflect.ValueOf(ctx)}
	for i := 1; i < m.fn.Type().NumIn(); i++ {
		t := m.fn.Type().In(i)
		value := reflect.New(t)
		switch {
		case t == reflect.TypeFor[[]string]() && len(args) > 0: // IDs
			value.Elem().Set(reflect.ValueOf(args))
			if m.options() != nil && m.options().Kind() == reflect.String {
				in = append(in, reflect.ValueOf(args[0]))
				continue
			}
		case m.options() != nil && t.Kind() == reflect.Slice:
			if set == nil {
				continue
			}
			value = reflect.New(t.Elem())
			set(value.Elem())
		case t.Kind() == reflect.String && len(args) > 0:
			value.Elem().SetString(args[0])
			args = args[1:]
		case t.Kind() == reflect.Func:
			value.Elem().Set(reflect.MakeFunc(t, func([]reflect.Value) []reflect.Value {
				results := []reflect.Value{reflect.ValueOf(true), reflect.Zero(reflect.TypeFor[error]())}
				return results[len(results)-t.NumOut():]
			}))
		case body != "":
			if err := decodeArgument(body, value); err != nil {
				return nil, fmt.Errorf("invalid body in calls: %w", err)
			}
		}
		in = append(in, value.Elem())
	}
	out := m.fn.Call(in)
	if sequence := out[0]; sequence.Kind() == reflect.Func {
		items := []any{}
		for item, err := range sequence.Seq2() {
			if failure, failed := reflect.TypeAssert[error](err); failed {
				return items, failure
			}
			items = append(items, item.Interface())
		}
		return items, nil
	}
	err, _ = reflect.TypeAssert[error](out[len(out)-1])
	if len(out) == 2 {
		result = out[0].Interface()
	}
	return result, err
}

// decodeArgument decodes a body into an argument. If the body is an object but the
// argument is not a struct, it decodes the only member of the object.
func decodeArgument(body string, argument reflect.Value) error {
	if t := argument.Type().Elem(); strings.HasPrefix(body, "{") && t.Kind() != reflect.Struct {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &object); err != nil {
			return err
		}
		for _, member := range object {
			body = string(member)
		}
	}
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	return decoder.Decode(argument.Interface())
}

// operationProblems returns the differences between the operations in the document and
// in the table.
func operationProblems(doc *document) []string {
	var problems []string
	for _, op := range operation.All() {
		if item := doc.Paths.Value(op.Path); item == nil || item.GetOperation(op.Method) == nil {
			problems = append(problems, fmt.Sprintf("%s: the document has no %s %s", op.Name, op.Method, op.Path))
		}
	}
	for _, op := range doc.operations {
		if op.known == nil {
			problems = append(problems, fmt.Sprintf("%s %s: there is no such operation in the code", op.method, op.path))
		}
	}
	return problems
}

// transport is a function that implements http.RoundTripper.
type transport func(*http.Request) *http.Response

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req), nil }

// arguments returns different arguments for the path of an operation.
func arguments(op *operation.Operation) []string {
	var args []string
	for i := range op.Parameters() {
		args = append(args, fmt.Sprintf("argument-%d", i+1))
	}
	return args
}

// methodProblems calls every exported method of every service. It reports methods that
// do not send one request for the operation of their name with their arguments, and
// operations without a method.
func methodProblems(ctx context.Context, t *testing.T) []string {
	var problems, sent []string
	client, err := apono.NewClient("token", apono.WithHTTPClient(&http.Client{Transport: transport(func(req *http.Request) *http.Response {
		name := "no operation"
		if op := operation.Match(req.Method, req.URL.EscapedPath()); op != nil {
			name = op.Name + " " + strings.Join(op.Args(req.URL.EscapedPath()), " ")
		}
		sent = append(sent, strings.TrimSpace(name))
		return &http.Response{StatusCode: http.StatusForbidden, Body: io.NopCloser(strings.NewReader(`{"message": "no"}`)), Request: req}
	})}))
	require.NoError(t, err)
	reached := map[string]bool{}
	for _, m := range methods(client) {
		sent = nil
		op := operation.Lookup(m.operation)
		var args []string
		if op != nil {
			args = arguments(op)
		} else {
			args = []string{"argument-1"}
		}
		var body string
		if m.name == "AccessRequests.During" || m.name == "AccessRequests.Acquire" {
			args, body = nil, calls["AccessRequests.Create"].bodies[0]
		}
		if bodies := calls[m.operation].bodies; bodies != nil {
			body = bodies[0]
		}
		_, err := m.call(ctx, args, body, nil)
		if want := strings.TrimSpace(m.operation + " " + strings.Join(args, " ")); !slices.Equal(sent, []string{want}) {
			problems = append(problems, fmt.Sprintf("%s sent %q (%v)", m.name, sent, err))
		}
		if op != nil {
			reached[op.Name] = true
		}
	}
	for _, op := range operation.All() {
		if !reached[op.Name] {
			problems = append(problems, op.Name+": there is no exported method of this name")
		}
	}
	return problems
}
