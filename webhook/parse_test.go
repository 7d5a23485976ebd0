package webhook_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/webhook"
)

// requestBody has every documented field of a request event in the form of Apono's
// example, and a new field in every object.
const requestBody = `{
	"event_type": "AccessRequestCreated", "event_time": 1696263265.851898000, "tenant": "acme",
	"data": {
		"id": "123", "friendly_id": "AR-123", "risk": 0.10,
		"requester": {"id": "u1", "name": "Ada", "email": "ada@example.com", "team": "orders"},
		"grantee": {"id": "u2", "source_id": "s2", "name": "Ben", "type": "USER", "team": "orders"},
		"justification": "Incident 4711",
		"creation_date": 1696263265.851898000, "revocation_date": 1696266865.000000001,
		"access_flow": {"id": "f1", "name": "On call", "active": true},
		"access_bundle": {"id": "b1", "name": "Orders", "size": 2},
		"access_duration_in_seconds": 3600,
		"access_groups": [{
			"integration": {"id": "i1", "type": "postgresql", "name": "orders-db", "region": "eu"},
			"resource_types": [{"id": "postgresql-table", "name": "Table", "display_path": "Database / Table", "icon": "t"}],
			"access_units": [{
				"resource": {
					"id": "r1", "name": "invoices", "path": "orders/invoices", "owner": "billing",
					"type": {"id": "postgresql-table", "name": "Table", "display_path": "Database / Table"}
				},
				"permission": {"id": "p1", "name": "READ_ONLY", "level": 1},
				"state": "new"
			}],
			"count": 1
		}],
		"approvals_logical_relation": "ANY_OF",
		"approvals": [{
			"name": "Managers", "type": "GROUP", "status": "APPROVED", "at": "noon",
			"approver": {"id": "u3", "name": "Chen", "email": "chen@example.com", "role": "Admin"}
		}]
	}
}`

// extra returns one unknown field.
func extra(name, value string) apono.Extra { return apono.Extra{name: json.RawMessage(value)} }

func fullRequest() *webhook.RequestEvent {
	at := time.Date(2023, 10, 2, 16, 14, 25, 851898000, time.UTC)
	table := webhook.ResourceType{ID: "postgresql-table", Name: "Table", DisplayPath: "Database / Table"}
	listed := table
	listed.Extra = extra("icon", `"t"`)
	return &webhook.RequestEvent{
		EventType: "AccessRequestCreated", EventTime: at, Extra: extra("tenant", `"acme"`),
		Data: webhook.RequestData{
			ID: "123", FriendlyID: "AR-123", Extra: extra("risk", "0.10"),
			Requester:     webhook.Person{ID: "u1", Name: "Ada", Email: "ada@example.com", Extra: extra("team", `"orders"`)},
			Grantee:       webhook.Grantee{ID: "u2", SourceID: "s2", Name: "Ben", Type: "USER", Extra: extra("team", `"orders"`)},
			Justification: "Incident 4711",
			CreationDate:  at, RevocationDate: time.Date(2023, 10, 2, 17, 14, 25, 1, time.UTC),
			AccessFlow:              apono.Ref{ID: "f1", Name: "On call", Extra: extra("active", "true")},
			AccessBundle:            apono.Ref{ID: "b1", Name: "Orders", Extra: extra("size", "2")},
			AccessDurationInSeconds: 3600,
			AccessGroups: []webhook.AccessGroup{{
				Integration:   webhook.Integration{ID: "i1", Type: "postgresql", Name: "orders-db", Extra: extra("region", `"eu"`)},
				ResourceTypes: []webhook.ResourceType{listed},
				AccessUnits: []webhook.AccessUnit{{
					Resource:   webhook.Resource{ID: "r1", Name: "invoices", Path: "orders/invoices", Type: table, Extra: extra("owner", `"billing"`)},
					Permission: apono.Ref{ID: "p1", Name: "READ_ONLY", Extra: extra("level", "1")},
					Extra:      extra("state", `"new"`),
				}},
				Extra: extra("count", "1"),
			}},
			ApprovalsLogicalRelation: "ANY_OF",
			Approvals: []webhook.Approval{{
				Name: "Managers", Type: "GROUP", Status: "APPROVED", Extra: extra("at", `"noon"`),
				Approver: webhook.Person{ID: "u3", Name: "Chen", Email: "chen@example.com", Extra: extra("role", `"Admin"`)},
			}},
		},
	}
}

const auditBody = `{
	"event_type": "AuditLog", "event_time": "1696263265.851898000", "tenant": "acme",
	"data": {
		"timestamp": "2023-10-02T16:14:25.851Z", "action": "UPDATE",
		"actor_id": "ada@example.com", "actor_name": "Ada", "actor_type": "USER", "source": "Terraform",
		"target_id": "f1", "target_type": "ACCESS_FLOW", "target_name": "On call",
		"metadata": {"plan": 7}, "current_target_object": {"id": "f1", "revoke_after_in_sec": 3600.50},
		"previous_target_object": {"id": "f1", "revoke_after_in_sec": -1}, "ip": "192.0.2.1"
	}
}`

func fullAudit() *webhook.AuditEvent {
	return &webhook.AuditEvent{
		EventType: "AuditLog", EventTime: time.Date(2023, 10, 2, 16, 14, 25, 851898000, time.UTC), Extra: extra("tenant", `"acme"`),
		Data: webhook.AuditData{
			Timestamp: time.Date(2023, 10, 2, 16, 14, 25, 851000000, time.UTC), Action: "UPDATE",
			ActorID: "ada@example.com", ActorName: "Ada", ActorType: "USER", Source: webhook.SourceTerraform,
			TargetID: "f1", TargetType: "ACCESS_FLOW", TargetName: "On call",
			Metadata:             webhook.FreeForm{Object: apono.Object{"plan": json.Number("7")}},
			CurrentTargetObject:  webhook.FreeForm{Object: apono.Object{"id": "f1", "revoke_after_in_sec": json.Number("3600.50")}},
			PreviousTargetObject: webhook.FreeForm{Object: apono.Object{"id": "f1", "revoke_after_in_sec": json.Number("-1")}},
			Extra:                extra("ip", `"192.0.2.1"`),
		},
	}
}

func TestParseReadsEveryField(t *testing.T) {
	t.Parallel()
	event, err := webhook.Parse([]byte(requestBody))
	require.NoError(t, err)
	require.Equal(t, fullRequest(), event)
	event, err = webhook.Parse([]byte("\ufeff\n" + auditBody + "\n"))
	require.NoError(t, err)
	require.Equal(t, fullAudit(), event)

	request, err := webhook.ParseRequest([]byte(requestBody))
	require.NoError(t, err)
	require.Equal(t, fullRequest(), request)
	audit, err := webhook.ParseAudit([]byte(auditBody))
	require.NoError(t, err)
	require.Equal(t, fullAudit(), audit)
}

// What json.Marshal writes is what was read, with times in RFC 3339.
func TestEventsRoundTrip(t *testing.T) {
	t.Parallel()
	written, err := json.Marshal(fullRequest())
	require.NoError(t, err)
	want := regexp.MustCompile(`1696263265.851898000`).ReplaceAllString(requestBody, `"2023-10-02T16:14:25.851898Z"`)
	want = strings.Replace(want, `1696266865.000000001`, `"2023-10-02T17:14:25.000000001Z"`, 1)
	require.JSONEq(t, want, string(written))
	var request webhook.RequestEvent
	require.NoError(t, json.Unmarshal(written, &request))
	require.Equal(t, fullRequest(), &request)

	written, err = json.Marshal(fullAudit())
	require.NoError(t, err)
	require.JSONEq(t, strings.Replace(auditBody, `1696263265.851898000`, `2023-10-02T16:14:25.851898Z`, 1), string(written))
	require.Contains(t, string(written), "3600.50")
	var audit webhook.AuditEvent
	require.NoError(t, json.Unmarshal(written, &audit))
	require.Equal(t, fullAudit(), &audit)

	// An absent field stays absent.
	written, err = json.Marshal(&webhook.RequestEvent{Data: webhook.RequestData{ID: "1"}})
	require.NoError(t, err)
	require.JSONEq(t, `{"data": {"id": "1"}}`, string(written))
}

func TestParseReadsEveryFormOfATime(t *testing.T) {
	t.Parallel()
	at := func(nanos int) time.Time { return time.Date(2023, 10, 2, 16, 14, 25, nanos, time.UTC) }
	for form, want := range map[string]time.Time{
		`1696263265.851898001`:             at(851898001),
		`"1696263265.851898001"`:           at(851898001),
		`1696263265.851`:                   at(851000000),
		`"1696263265.851"`:                 at(851000000),
		`" 1696263265.5 "`:                 at(500000000),
		`1696263265`:                       at(0),
		`"1696263265"`:                     at(0),
		`"2023-10-02T16:14:25.851Z"`:       at(851000000),
		`"2023-10-02T16:14:25.851898001Z"`: at(851898001),
		`"2023-10-02T16:14:25"`:            at(0),
		`"2023-10-02 16:14:25Z"`:           at(0),
		`"20231002T161425Z"`:               at(0),
		`"2023-10-02T18:14:25.000+02:00"`:  at(0),
		`"0.000000001"`:                    time.Unix(0, 1).UTC(),
		`253402300799.999999999`:           time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		`null`:                             {},
		`""`:                               {},
		`" "`:                              {},
		``:                                 {}, // {{data.revocation_date}} of a request without one
	} {
		for _, body := range []string{
			`{"event_time": %s, "data": {"id": "1"}}`, `{"data": {"id": "1", "creation_date": %s}}`, `{"data": {"id": "1", "revocation_date": %s }}`,
			`{"event_time":%s,"data":{"timestamp":%[1]s,"action":"x"}}`,
		} {
			body = fmt.Sprintf(body, form)
			event, err := webhook.Parse([]byte(body))
			require.NoError(t, err, body)
			switch event := event.(type) {
			case *webhook.RequestEvent:
				got := []time.Time{event.EventTime, event.Data.CreationDate, event.Data.RevocationDate}
				require.Condition(t, func() bool {
					return got[0].Equal(want) || got[1].Equal(want) || got[2].Equal(want)
				}, "%s: %v", body, got)
			case *webhook.AuditEvent:
				require.True(t, event.EventTime.Equal(want), "%s: %s", body, event.EventTime)
				require.True(t, event.Data.Timestamp.Equal(want), "%s: %s", body, event.Data.Timestamp)
			}
		}
	}
}

func TestParseReadsValuesWithAndWithoutQuotes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]webhook.RequestData{
		`"id": 123, "friendly_id": "AR-123"`:                                   {ID: "123", FriendlyID: "AR-123"},
		`"id": 12345678901234567890.50`:                                        {ID: "12345678901234567890.50"},
		`"justification": true`:                                                {Justification: "true"},
		`"id": "1", "access_duration_in_seconds": 3600`:                        {ID: "1", AccessDurationInSeconds: 3600},
		`"id": "1", "access_duration_in_seconds": "3600"`:                      {ID: "1", AccessDurationInSeconds: 3600},
		`"id": "1", "access_duration_in_seconds": 3600.0`:                      {ID: "1", AccessDurationInSeconds: 3600},
		`"id": "1", "access_duration_in_seconds": " 3600.0 "`:                  {ID: "1", AccessDurationInSeconds: 3600},
		`"id": "1", "access_duration_in_seconds": ""`:                          {ID: "1"},
		`"id": "1", "access_duration_in_seconds": null`:                        {ID: "1"},
		`"id": "1", "access_duration_in_seconds":  `:                           {ID: "1"},
		`"id": "1", "access_bundle": null`:                                     {ID: "1"},
		`"id": "1", "access_bundle": ""`:                                       {ID: "1"},
		`"id": "1", "access_bundle": , "access_flow": {"id": , "name": "x"}`:   {ID: "1", AccessFlow: apono.Ref{Name: "x"}},
		`"id": "1", "access_bundle": {"id": "", "name": ""}`:                   {ID: "1"},
		`"id": "1", "requester": "", "grantee": "", "approvals": ""`:           {ID: "1"},
		`"id": "1", "access_groups": null, "approvals": []`:                    {ID: "1", Approvals: []webhook.Approval{}},
		`"id": "1", "grantee": {"id": 7, "type": null}`:                        {ID: "1", Grantee: webhook.Grantee{ID: "7"}},
		`"id": "1", "approvals_logical_relation": "AND"`:                       {ID: "1", ApprovalsLogicalRelation: "AND"},
		`"id": "1", "approvals": [{"status": "PENDING"}]`:                      {ID: "1", Approvals: []webhook.Approval{{Status: "PENDING"}}},
		`"ID": "1", "justification": "x"`:                                      {Justification: "x", Extra: extra("ID", `"1"`)},
		`"id": "1", "access_groups": [{"access_units": [{"permission": {}}]}]`: {ID: "1", AccessGroups: []webhook.AccessGroup{{AccessUnits: []webhook.AccessUnit{{}}}}},
	} {
		event, err := webhook.ParseRequest([]byte(`{"data": {` + body + `}}`))
		require.NoError(t, err, body)
		require.Equal(t, want, event.Data, body)
	}
}

func TestParseReadsFreeFormValues(t *testing.T) {
	t.Parallel()
	object := webhook.FreeForm{Object: apono.Object{"a": json.Number("1.50"), "b": "two\nlines"}}
	for form, want := range map[string]webhook.FreeForm{
		`{"a": 1.50, "b": "two\nlines"}`:                                 {Object: object.Object},
		`"{\"a\": 1.50, \"b\": \"two\\nlines\"}"`:                        {Object: object.Object},
		`"{&quot;a&quot;: 1.50, &quot;b&quot;: &quot;two\nlines&quot;}"`: {Object: object.Object},
		"\"{\\\"a\\\": 1.50, \\\"b\\\": \\\"two\nlines\\\"}\"":           {Object: object.Object},
		`"{&quot;quote&quot;: &quot;a \&quot; b&quot;}"`:                 {Object: apono.Object{"quote": `a " b`}},
		`"{}"`:              {Object: apono.Object{}},
		`{}`:                {Object: apono.Object{}},
		`"[object Object]"`: {Text: "[object Object]"},
		`"{a&#x3D;1}"`:      {Text: "{a=1}"},
		`"some text"`:       {Text: "some text"},
		`"[{\"a\": 1}]"`:    {Text: `[{"a": 1}]`},
		`[1, "x"]`:          {Text: `[1, "x"]`},
		`12.50`:             {Text: "12.50"},
		`"null"`:            {Text: "null"},
		`null`:              {},
		`""`:                {},
		``:                  {},
	} {
		for _, field := range []string{"metadata", "current_target_object", "previous_target_object"} {
			body := fmt.Sprintf(`{"data": {"action": "x", %q: %s}}`, field, form)
			event, err := webhook.ParseAudit([]byte(body))
			require.NoError(t, err, body)
			got := map[string]webhook.FreeForm{
				"metadata": event.Data.Metadata, "current_target_object": event.Data.CurrentTargetObject,
				"previous_target_object": event.Data.PreviousTargetObject,
			}
			require.Equal(t, want, got[field], body)

			written, err := json.Marshal(event)
			require.NoError(t, err)
			again, err := webhook.ParseAudit(written)
			require.NoError(t, err)
			require.Equal(t, event, again, body)
		}
	}
}

func TestParseDecodesEntitiesOnlyOfATemplateThatEscapes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`a &lt; b &amp;&amp; c &gt; d, &quot;e&quot; &#x27;f&#x27; &#x60;g&#x60; &#x3D; h`: `a < b && c > d, "e" 'f' ` + "`g` = h",
		`&amp;lt;`:       `&lt;`, // escaped once
		`DOMAIN\&quot;x`: `DOMAIN\"x`,
		`plain`:          `plain`,
		// A character that Handlebars escapes: the entities are the author's.
		`a < &lt;`:       `a < &lt;`,
		`a > &lt;`:       `a > &lt;`,
		`\"a\" &lt;`:     `"a" &lt;`,
		`it's &lt;`:      `it's &lt;`,
		"`a` &lt;":       "`a` &lt;",
		`a=b &lt;`:       `a=b &lt;`,
		`a & b &lt;`:     `a & b &lt;`,
		`a &copy; &lt;`:  `a &copy; &lt;`,
		`\u003c &lt;`:    `< &lt;`,
		`\u0026lt; &lt;`: `&lt; &lt;`,
		`\u00fc &lt;`:    `ü <`,
		`&Lt; &lt;`:      `&Lt; &lt;`,
	} {
		event, err := webhook.ParseRequest([]byte(`{"data": {"id": "1", "justification": "` + text + `"}}`))
		require.NoError(t, err, text)
		require.Equal(t, want, event.Data.Justification, text)
	}
	// The whole body counts.
	event, err := webhook.ParseRequest([]byte(`{"data": {"id": "1", "justification": "&lt;", "requester": {"name": "O'Hara"}}}`))
	require.NoError(t, err)
	require.Equal(t, "&lt;", event.Data.Justification)
}

func TestParseReadsWhatATemplateLeavesUnescaped(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"two\nlines":         "two\nlines",
		"two\r\nlines\tand":  "two\r\nlines\tand",
		"bell\a":             "bell\a",
		`DOMAIN\user`:        `DOMAIN\user`, // and \u without digits
		`C:\data`:            `C:\data`,
		`two\nlines \\ \"`:   "two\nlines \\ \"",
		`\u00fc`:             "ü",
		`\u00zz`:             `\u00zz`,
		`\x`:                 `\x`,
		"invalid \xff UTF-8": "invalid \ufffd UTF-8",
		`: , } {{x}}`:        `: , } {{x}}`,
	} {
		event, err := webhook.ParseRequest([]byte(`{"data": {"id": "1", "justification": "` + text + `"}}`))
		require.NoError(t, err, text)
		require.Equal(t, want, event.Data.Justification, text)
	}
}

func TestParseTellsRequestsFromAuditEntries(t *testing.T) {
	t.Parallel()
	for _, field := range []string{
		"id", "friendly_id", "requester", "grantee", "justification", "creation_date", "revocation_date", "access_flow", "access_bundle",
		"access_duration_in_seconds", "access_groups", "approvals_logical_relation", "approvals",
	} {
		event, err := webhook.Parse([]byte(`{"data": {"` + field + `": null}}`))
		require.NoError(t, err, field)
		require.IsType(t, &webhook.RequestEvent{}, event)
		_, err = webhook.ParseAudit([]byte(`{"data": {"` + field + `": null}}`))
		require.EqualError(t, err, "webhook: data: has no field of an audit event")
	}
	for _, field := range []string{
		"timestamp", "action", "actor_id", "actor_name", "actor_type", "source", "target_id", "target_type", "target_name", "metadata",
		"current_target_object", "previous_target_object",
	} {
		event, err := webhook.Parse([]byte(`{"data": {"` + field + `": null}}`))
		require.NoError(t, err, field)
		require.IsType(t, &webhook.AuditEvent{}, event)
		_, err = webhook.ParseRequest([]byte(`{"data": {"` + field + `": null}}`))
		require.EqualError(t, err, "webhook: data: has no field of a request event")
	}
	// A template may have further fields.
	event, err := webhook.Parse([]byte(`{"data": {"id": "1", "action": "x", "actor_id": "a@example.com"}}`))
	require.NoError(t, err)
	require.Equal(t, extra("id", `"1"`), event.(*webhook.AuditEvent).Data.Extra)
}

func TestParseErrorsNameTheFieldAndNotTheBody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``:                                   "webhook: the body is not a JSON object",
		`null`:                               "webhook: the body is not a JSON object",
		`[]`:                                 "webhook: the body is not a JSON object",
		`"hunter2"`:                          "webhook: the body is not a JSON object",
		`{"data": {"id": "hunter2"`:          "webhook: the body is not a JSON object",
		`{"data": {"id": "hunter2"}} x`:      "webhook: the body is not a JSON object",
		`{"data": {"id": "say "hunter2""}}`:  "webhook: the body is not a JSON object",
		`{}`:                                 "webhook: data: has no field of a request event or an audit event",
		`{"event_type": "x", "data": {}}`:    "webhook: data: has no field of a request event or an audit event",
		`{"data": {"hunter2": 1}}`:           "webhook: data: has no field of a request event or an audit event",
		`{"data": "hunter2"}`:                "webhook: data: cannot unmarshal string into Go map",
		`{"data": [{"id": "1"}]}`:            "webhook: data: cannot unmarshal array into Go map",
		`{"data": {"id": {"hunter2": 1}}}`:   "webhook: data.id: cannot unmarshal object into Go string",
		`{"data": {"requester": "hunter2"}}`: "webhook: data.requester: cannot unmarshal string into Go struct",
		`{"data": {"approvals": [{}, {"approver": {"name": []}}]}}`: "webhook: data.approvals[1].approver.name: cannot unmarshal array into Go string",
		`{"data": {"access_duration_in_seconds": "hunter2"}}`:       "webhook: data.access_duration_in_seconds: not a number",
		`{"data": {"access_duration_in_seconds": 0.5}}`:             "webhook: data.access_duration_in_seconds: not an integer",
		`{"data": {"access_duration_in_seconds": 1e30}}`:            "webhook: data.access_duration_in_seconds: number out of the range of int64",
	} {
		_, err := webhook.Parse([]byte(body))
		require.EqualError(t, err, want, body)
	}
	for _, form := range []string{
		`"hunter2"`, `-1`, `"1696263265,851"`, `true`, `.5`, `"99999999999999999999"`, `"hunter.2"`,
	} {
		_, err := webhook.Parse([]byte(`{"data": {"id": "1", "creation_date": ` + form + `}}`))
		require.Error(t, err, form)
		require.NotContains(t, err.Error(), strings.Trim(form, `"`))
	}
}

func TestSpellingsOfNames(t *testing.T) {
	t.Parallel()
	for _, spelling := range []webhook.EventType{
		"RequestApproved", "AccessRequestApproved", "accessrequestapproved", "ACCESS_REQUEST_APPROVED", "request-approved", "Access request.approved",
	} {
		require.True(t, spelling.Is(webhook.RequestCreated, webhook.RequestApproved), spelling)
		require.False(t, spelling.Is(webhook.RequestCreated, webhook.RequestRejected), spelling)
		require.False(t, spelling.Is(), spelling)
	}
	require.True(t, webhook.EventType("MANUAL").Is(webhook.Manual))
	require.False(t, webhook.EventType("AccessManual").Is(webhook.Manual))
	for spelling, want := range map[webhook.Source]webhook.Source{
		"api": webhook.SourceAPI, "INTEGRATION": webhook.SourceIntegration, "terraform": webhook.SourceTerraform,
		"WEB_APPLICATION": webhook.SourceWebApplication, "webApplication": webhook.SourceWebApplication,
	} {
		require.True(t, spelling.Is(want), spelling)
		require.False(t, spelling.Is("CLI"), spelling)
	}
	require.True(t, webhook.TargetType("ACCESS_FLOW").Is(webhook.TargetBundle, webhook.TargetAccessFlow))
	require.True(t, webhook.TargetType("integration").Is(webhook.TargetIntegration))
	require.False(t, webhook.TargetType("access").Is(webhook.TargetAccessFlow))
}

func TestKey(t *testing.T) {
	t.Parallel()
	parsed := func(body string) webhook.Event {
		event, err := webhook.Parse([]byte(body))
		require.NoError(t, err)
		return event
	}
	request := parsed(requestBody)
	require.Equal(t, webhook.EventType("AccessRequestCreated"), request.Type())
	require.Equal(t, fullRequest().EventTime, request.Time())
	audit := parsed(auditBody)
	require.Equal(t, webhook.EventType("AuditLog"), audit.Type())
	require.Equal(t, fullAudit().EventTime, audit.Time())

	// The same event in another form.
	require.Equal(t, request.Key(), parsed(strings.ReplaceAll(requestBody, "1696263265.851898000", `"2023-10-02T18:14:25.851898+02:00"`)).Key())
	keys := map[string]bool{request.Key(): true, audit.Key(): true}
	require.Len(t, keys, 2)
	for _, change := range [][2]string{
		{`"AccessRequestCreated"`, `"AccessRequestApproved"`}, {`"event_time": 1696263265.851898000`, `"event_time": 1696263265.851898001`}, {`"id": "123"`, `"id": "124"`},
	} {
		keys[parsed(strings.Replace(requestBody, change[0], change[1], 1)).Key()] = true
	}
	for _, change := range [][2]string{
		{"AuditLog", "Audit"}, {"265.851898000", "265.851898001"}, {`"target_id": "f1"`, `"target_id": "f2"`}, {"ACCESS_FLOW", "BUNDLE"},
		{"UPDATE", "DELETE"}, {"ada@", "ben@"},
	} {
		keys[parsed(strings.Replace(auditBody, change[0], change[1], 1)).Key()] = true
	}
	require.Len(t, keys, 2+3+6)

	require.Contains(t, parsed(`{"event_time": 1, "data": {"friendly_id": "AR-1"}}`).Key(), "AR-1")
	require.Contains(t, parsed(`{"data": {"timestamp": 1, "target_id": "f1"}}`).Key(), "1970-01-01T00:00:01Z")
	for _, body := range []string{`{"data": {"id": "1"}}`, `{"event_time": 1, "data": {"justification": "x"}}`, `{"data": {"target_id": "1"}}`, `{"event_time": 1, "data": {"action": "x"}}`} {
		require.Empty(t, parsed(body).Key(), body)
	}
}

// FuzzParse looks for bodies that panic, errors that quote the body, and events that
// change when they are written and read again.
func FuzzParse(f *testing.F) {
	for _, body := range []string{
		requestBody, auditBody, `{"data": {"id": "a &lt; b", "revocation_date": }}`, `{"data": {"action": "\u`, `{"data": {"metadata": "{\"a\": \"b\\`,
		"{\"data\": {\"id\": \"two\nlines\\", `{"event_time": "1e9", "data": {"id": 1}}`, `{"data": {"access_duration_in_seconds": "9.0e18"}}`,
	} {
		f.Add([]byte(body))
	}
	errorTexts := regexp.MustCompile(`^webhook: (the body is not a JSON object|` +
		`(event_type|event_time|data)([.\[][a-z_.\[\]0-9]+)?: (has no field of a request event or an audit event|` +
		`cannot unmarshal (string|number|bool|object|array) into Go (map|string|struct|slice|int64)|` +
		`not a time in RFC 3339 or ISO 8601|not a number|not an integer|number out of the range of int64))$`)
	f.Fuzz(func(t *testing.T, body []byte) {
		event, err := webhook.Parse(body)
		if err != nil {
			require.Regexp(t, errorTexts, err.Error())
			return
		}
		event.Key()
		written, err := json.Marshal(event)
		require.NoError(t, err)
		again := map[bool]any{true: new(webhook.RequestEvent), false: new(webhook.AuditEvent)}[isRequest(event)]
		require.NoError(t, json.Unmarshal(written, again))
		rewritten, err := json.Marshal(again)
		require.NoError(t, err)
		require.Equal(t, string(written), string(rewritten))
	})
}

func isRequest(event webhook.Event) bool {
	_, ok := event.(*webhook.RequestEvent)
	return ok
}
