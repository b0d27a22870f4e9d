package settings

import (
	"fmt"
	"strings"
)

// Table is all parameters as a table in Markdown, with the task variables as they
// are named under the default prefix.
func Table() string {
	var b strings.Builder
	b.WriteString("| parameter | value | default | task variable | meaning |\n|---|---|---|---|---|\n")
	prefix := find("environment_variable_prefix").fallback
	for i := range definitions {
		d := &definitions[i]
		variable := ""
		if d.task {
			variable = "`" + prefix + strings.ToUpper(d.name) + "`"
		}
		fallback := "none"
		if d.fallback != "" {
			fallback = "`" + d.fallback + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", d.name, d.form, fallback, variable, d.meaning)
	}
	return b.String()
}

// Document is docs/parameters.md.
func Document() string {
	return `# Parameters

<!-- Generated from core/settings by "make generate"; edit the definitions there. -->

Module parameters go into the modules JSON of the agent; task variables into the environment of the
task's command. A task variable's name is the prefix, exactly as configured, and the parameter's name in
any case. An unknown name or a value that cannot be used stops the agent's start, or that container's
launch, with a message that names it, its value and what was expected.

` + Table() + `
Values:

* size: ` + sizeForm + `. Units are powers of 1024, in any case.
* rate: ` + rateForm + `.
* ceiling: ` + ceilingForm + `.
* count: ` + countForm + `.
* duration: ` + durationForm + `.
* switch: ` + switchForm + `.
* path: ` + pathForm + `.
* options: directives of logrotate, one a line.
* directives: ` + directivesForm + `.
* override: ` + overrideForm + `.
* loss: ` + onFullForm + `.
* output: ` + outputForm + `.
* debug: ` + debugForm + `.
* keeper: ` + keeperForm + `.
* budget: ` + budgetForm + `.
* free: ` + freeForm + `.
`
}
