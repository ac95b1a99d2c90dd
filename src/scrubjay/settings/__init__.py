"""What an operator may write: settings of the daemon and configurations of projects.

Which settings there are: `schema`, with a file for each large section (`relay`, `tls`, `http`, `limits`, `spool`, `reporting`, `decisions`, `scrub`,
`capture`, `cache`, `gateway`); how one is declared: `setting`; all of them by dotted key: `fields`; what is known and does nothing: `inert`.
From text to settings: `load` finds the file (`folders`), collects what was `written` (`document`, `environment`), reads each value (`scalars`,
`texts`, `suggestions`) and completes what follows from several (`resolve`, `profiles`, `listeners`, `processors`); `advice` warns.
Projects: `project` is the form, `project_files` the folder, `project_parsing` and `project_members` one file, `global_config` what all share.
The relay's identity: `credentials`, `keys`. Pages and views: `render`, `json_schema`, `show`, `gaps`.
"""
