/** The workflows of the task queue `scoring`: the entry of their bundle. */
export { predict } from './predict';
export { scorer } from './scorer';
