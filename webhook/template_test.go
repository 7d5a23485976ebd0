package webhook_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/require"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/webhook"
)

// render renders the part of Handlebars that the templates use: values, each, and
// "unless @last".
func render(t *testing.T, handlebars, data string) string {
	text := strings.NewReplacer("{{#unless @last}}", "{{if not (last $i $list)}}", "{{/unless}}", "{{end}}", "{{/each}}", "{{end}}{{end}}").Replace(handlebars)
	text = regexp.MustCompile(`{{#each ([a-z_.]+)}}`).ReplaceAllString(text, `{{if true}}{{$$list := .$1}}{{range $$i, $$e := .$1}}`)
	text = regexp.MustCompile(`{{([a-z_.]+)}}`).ReplaceAllStringFunc(text, func(field string) string {
		if field == "{{end}}" {
			return field
		}
		return "{{escape ." + field[2:]
	})
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;", "`", "&#x60;", "=", "&#x3D;")
	parsed := template.Must(template.New("").Funcs(template.FuncMap{
		"last": func(i int, list []any) bool { return i == len(list)-1 },
		"escape": func(value any) string {
			switch value := value.(type) {
			case nil:
				return ""
			case map[string]any:
				encoded, err := json.Marshal(value)
				require.NoError(t, err)
				return escape.Replace(string(encoded))
			case json.Number:
				return value.String()
			}
			return escape.Replace(value.(string))
		},
	}).Parse(text))
	var values map[string]any
	decoder := json.NewDecoder(strings.NewReader(data))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&values))
	var body strings.Builder
	require.NoError(t, parsed.Execute(&body, values))
	return body.String()
}

// withoutExtra returns a copy of a value without its unknown fields.
func withoutExtra[T any](t *testing.T, value *T) *T {
	var object map[string]any
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(encoded, &object))
	known := map[string]bool{}
	for _, name := range regexp.MustCompile(`[a-z_]+`).FindAllString(webhook.RequestTemplate+webhook.AuditTemplate, -1) {
		known[name] = true
	}
	var prune func(value any)
	prune = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, member := range value {
				if !known[name] {
					delete(value, name)
				}
				prune(member)
			}
		case []any:
			for _, element := range value {
				prune(element)
			}
		}
	}
	prune(object)
	encoded, err = json.Marshal(object)
	require.NoError(t, err)
	pruned := new(T)
	require.NoError(t, json.Unmarshal(encoded, pruned))
	return pruned
}

func TestTemplatesHaveEveryField(t *testing.T) {
	t.Parallel()
	data := strings.Replace(requestBody, `"access_units": [{`, `"access_units": [{"resource": {"id": "r0"}, "permission": {"id": "p0"}}, {`, 1)
	data = strings.Replace(data, "Incident 4711", `\"a\" <b>\n'c' \\d`, 1)
	got, err := webhook.ParseRequest([]byte(render(t, webhook.RequestTemplate, data)))
	require.NoError(t, err)
	want := fullRequest()
	want.Data.Justification = "\"a\" <b>\n'c' \\d"
	want = withoutExtra(t, want)
	units := &want.Data.AccessGroups[0].AccessUnits
	*units = append([]webhook.AccessUnit{{Resource: webhook.Resource{ID: "r0"}, Permission: apono.Ref{ID: "p0"}}}, *units...)
	require.Empty(t, want.Data.Requester.Extra)
	require.Equal(t, want, got)

	audit, err := webhook.ParseAudit([]byte(render(t, webhook.AuditTemplate, auditBody)))
	require.NoError(t, err)
	wantAudit := fullAudit()
	wantAudit.Extra, wantAudit.Data.Extra = nil, nil
	require.Equal(t, wantAudit, audit)
}

// A request whose values are all missing is still JSON.
func TestTemplatesWithoutValues(t *testing.T) {
	t.Parallel()
	nothing := `{"event_type": null, "event_time": null, "data": {"access_groups": [], "approvals": [], "requester": {}, "grantee": {}, "access_flow": {}, "access_bundle": {}}}`
	for _, text := range []string{webhook.RequestTemplate, webhook.AuditTemplate} {
		body := render(t, text, nothing)
		require.True(t, json.Valid([]byte(body)), body)
		event, err := webhook.Parse([]byte(body))
		require.NoError(t, err)
		require.Empty(t, event.Key())
	}
}
