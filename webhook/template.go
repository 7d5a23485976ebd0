package webhook

// RequestTemplate is a body for request events, to paste into the portal. It has every
// documented field. All of them are quoted, so that the body is JSON if a value is
// missing, and have double braces, with which Handlebars escapes the quotes in a value.
// Fields may be added, removed and renamed.
const RequestTemplate = `{
  "event_type": "{{event_type}}",
  "event_time": "{{event_time}}",
  "data": {
    "id": "{{data.id}}",
    "friendly_id": "{{data.friendly_id}}",
    "requester": {"id": "{{data.requester.id}}", "name": "{{data.requester.name}}", "email": "{{data.requester.email}}"},
    "grantee": {
      "id": "{{data.grantee.id}}",
      "source_id": "{{data.grantee.source_id}}",
      "name": "{{data.grantee.name}}",
      "type": "{{data.grantee.type}}"
    },
    "justification": "{{data.justification}}",
    "creation_date": "{{data.creation_date}}",
    "revocation_date": "{{data.revocation_date}}",
    "access_flow": {"id": "{{data.access_flow.id}}", "name": "{{data.access_flow.name}}"},
    "access_bundle": {"id": "{{data.access_bundle.id}}", "name": "{{data.access_bundle.name}}"},
    "access_duration_in_seconds": "{{data.access_duration_in_seconds}}",
    "access_groups": [{{#each data.access_groups}}{
      "integration": {"id": "{{integration.id}}", "type": "{{integration.type}}", "name": "{{integration.name}}"},
      "resource_types": [{{#each resource_types}}{
        "id": "{{id}}", "name": "{{name}}", "display_path": "{{display_path}}"
      }{{#unless @last}},{{/unless}}{{/each}}],
      "access_units": [{{#each access_units}}{
        "resource": {
          "id": "{{resource.id}}",
          "name": "{{resource.name}}",
          "path": "{{resource.path}}",
          "type": {
            "id": "{{resource.type.id}}",
            "name": "{{resource.type.name}}",
            "display_path": "{{resource.type.display_path}}"
          }
        },
        "permission": {"id": "{{permission.id}}", "name": "{{permission.name}}"}
      }{{#unless @last}},{{/unless}}{{/each}}]
    }{{#unless @last}},{{/unless}}{{/each}}],
    "approvals_logical_relation": "{{data.approvals_logical_relation}}",
    "approvals": [{{#each data.approvals}}{
      "name": "{{name}}",
      "type": "{{type}}",
      "status": "{{status}}",
      "approver": {"id": "{{approver.id}}", "name": "{{approver.name}}", "email": "{{approver.email}}"}
    }{{#unless @last}},{{/unless}}{{/each}}]
  }
}
`

// AuditTemplate is [RequestTemplate] for audit events.
const AuditTemplate = `{
  "event_type": "{{event_type}}",
  "event_time": "{{event_time}}",
  "data": {
    "timestamp": "{{data.timestamp}}",
    "action": "{{data.action}}",
    "actor_id": "{{data.actor_id}}",
    "actor_name": "{{data.actor_name}}",
    "actor_type": "{{data.actor_type}}",
    "source": "{{data.source}}",
    "target_id": "{{data.target_id}}",
    "target_type": "{{data.target_type}}",
    "target_name": "{{data.target_name}}",
    "metadata": "{{data.metadata}}",
    "current_target_object": "{{data.current_target_object}}",
    "previous_target_object": "{{data.previous_target_object}}"
  }
}
`
