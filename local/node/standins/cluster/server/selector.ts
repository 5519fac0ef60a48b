import { type KubeObject, textAt, textsAt } from '../object.ts';

type Test = (labels: Readonly<Record<string, string>>) => boolean;

const requirement = (text: string): Test => {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text);
  if (set !== null) {
    const [, key = '', verb, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (labels) => values.includes(labels[key] ?? '\0') === (verb === 'in');
  }
  const pair = /^([^=!]+)(==|=|!=)(.*)$/.exec(text);
  if (pair !== null) {
    const [, key = '', sign, value] = pair;
    return (labels) => (labels[key.trim()] === value?.trim()) === (sign !== '!=');
  }
  return text.startsWith('!') ? (labels) => !(text.slice(1) in labels) : (labels) => text in labels;
};

/** Whether labels match a selector such as `app=door,!liqo.io/type,tier in (a, b)`. */
export const labelsMatch = (selector: string, labels: Readonly<Record<string, string>>): boolean =>
  selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .every((part) => requirement(part)(labels));

/** Selectors of a list request: of labels, and of the fields that are in use (`metadata.name=x,status.phase!=y`). */
export const selects = (object: KubeObject, labelSelector: string, fieldSelector: string): boolean =>
  labelsMatch(labelSelector, textsAt(object, 'metadata', 'labels')) &&
  fieldSelector
    .split(',')
    .filter((part) => part !== '')
    .every((part) => {
      const [, field = '', sign, value] = /^([^=!]+)(==|=|!=)(.*)$/.exec(part) ?? [];
      return (textAt(object, ...field.split('.')) === value) === (sign !== '!=');
    });
