"""The page's modules are looked at before a browser runs them: eslint knows of names that nobody made, and of what nobody uses."""

import json
import subprocess
from pathlib import Path

from support.environments import npm_folder
from support.requirements import node_program

STATIC = Path(__file__).parents[3] / "src" / "scrubjay" / "static"
PACKAGES = ("eslint@9.39.1", "@eslint/js@9.39.1", "globals@16.5.0")
CONFIG = """
const js = require('@eslint/js');
const globals = require('globals');
module.exports = [{
  ...js.configs.recommended,
  languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: globals.browser },
  files: ['*.js'],
  rules: {
    ...js.configs.recommended.rules,
    eqeqeq: 'error',
    'no-control-regex': 'off', // what strangers wrote is searched for control characters
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    'no-var': 'error',
    'prefer-const': 'error',
  },
}];
"""


def test_no_module_has_a_name_that_is_not_there(tmp_path: Path) -> None:
    node, modules = node_program(), npm_folder("eslint", *PACKAGES) / "node_modules"
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "eslint.config.cjs").write_text(CONFIG)
    for file in STATIC.glob("*.js"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    command = [node, modules / "eslint" / "bin" / "eslint.js", "--format", "json", "*.js"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    told = json.loads(done.stdout)
    assert len(told) >= 20, done.stderr
    found = [
        f"{Path(file['filePath']).name}:{one['line']}: {one['message']}" for file in told for one in file["messages"]
    ]
    assert not found, "\n".join(found)
