import { element, placed } from './elements.ts'
import type { HostRow } from './mesh-graph.ts'
import { PagedTable } from './paged-table.ts'
import { beginOfId } from './words.ts'

/** The hosts of the mesh as a table, beside the picture. */
export function hostTable(): PagedTable<HostRow> {
  return new PagedTable<HostRow>(placed('hosts', HTMLElement), {
    caption: 'Hosts of the mesh, and how data goes to them from here',
    noun: 'host',
    empty: 'No host is known.',
    columns: [
      {
        head: 'Host',
        isHead: true,
        cell: ({ id, name }) => [
          document.createTextNode(`${name} `),
          element('span', { class: 'faint', text: beginOfId(id) }),
        ],
      },
      {
        head: 'Way',
        cell: ({ isReachable, isSelf, way, why }) =>
          isReachable
            ? [
                element('span', {
                  class: isSelf ? 'faint' : '',
                  text: way,
                  ...(why !== '' && { attributes: { title: why } }),
                }),
              ]
            : [element('span', { class: 'tag problem', text: way })],
      },
      { head: 'Round trip', isNumber: true, cell: ({ rtt }) => rtt },
      { head: 'Containers', isNumber: true, cell: ({ containers }) => String(containers) },
    ],
  })
}
